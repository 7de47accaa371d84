/** Opens the tokenizers of all models, and loads those that have room. */
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import type { EngineThread } from './engine/engine-thread.ts'
import { sequenceBytes, tokensWithin, type ModelMemory } from './engine/model-memory.ts'
import { ModelPool, type PoolObserver } from './engine/model-pool.ts'
import { superviseEngine, type SupervisedModel } from './engine/supervisor.ts'
import type { TokenizerThread } from './engine/tokenizer.ts'
import { cacheBytes, type Limits } from './limits.ts'
import { MemoryBudget } from './memory-budget.ts'
import type { Metrics } from './metrics.ts'
import type { PrefixCache } from './prefix-cache/prefix-cache.ts'
import type { ModelDescription, ServedModel } from './served-model.ts'

/** A model to serve: what it is, where its tokenizer is, and what its engine is told to open. */
export interface ModelSource {
  readonly description: ModelDescription
  readonly memory: ModelMemory
  /** The folder that the tokenizer's thread opens. */
  readonly tokenizer: string
  readonly payload: unknown
}

interface Parts {
  readonly threads: readonly EngineThread[]
  readonly tokenizers: TokenizerThread
  readonly prefixes: PrefixCache | null
  readonly budget: MemoryBudget
  /** Replies of a model that run or wait, at most. */
  readonly limit: number
  readonly log: Logger
  readonly metrics: Metrics
}

/** Adds the models of `sources` to `models`. Throws where one has no room, or one that has room cannot be loaded. */
export async function startModels(
  models: SupervisedModel[],
  sources: readonly ModelSource[],
  { threads, tokenizers, prefixes, budget, limit, log, metrics }: Parts,
): Promise<void> {
  const pool = new ModelPool(budget, observeLoads(models, log, metrics))
  for (const source of sources) {
    const description = withinBudget(source, pool, budget)
    const { name, contextLength } = description
    if (contextLength !== source.description.contextLength)
      log.warn(
        { model: name, tokens: contextLength },
        '--memory limits conversations to fewer tokens than the model takes',
      )
    const tokenizer = await tokenizers.open(source.tokenizer)
    models.push(superviseEngine({ ...source, description }, threads, tokenizer, limit, pool, prefixes))
  }
  for (const model of models) pool.add(model)
  // In their order: those that fit beside the ones before them.
  await Promise.all(models.map((model) => pool.load(model)))
}

/** The budget of a configuration, of which states that are kept in memory have their share. */
export function budgetOf(config: Config, { localStateBytes }: Limits): MemoryBudget {
  const budget = new MemoryBudget(config.memory ?? null)
  const { states, resident } = cacheBytes(config)
  const caches = localStateBytes + states + resident
  if (config.memory === undefined) return budget
  if (caches > budget.free)
    throw new Error(
      `--prefix-cache takes ${caches} bytes with the states of WebSockets, and --memory allows ${config.memory}`,
    )
  budget.take('caches', caches)
  return budget
}

/** Describes a model whose conversations stay within the budget. Throws where the budget is too small for it. */
function withinBudget({ description, memory }: ModelSource, pool: ModelPool, budget: MemoryBudget): ModelDescription {
  const room = pool.roomFor(memory)
  const tokens = room === Infinity ? null : tokensWithin(memory, room)
  if (tokens === 0) {
    const needed = memory.weights + memory.idle + sequenceBytes(memory, 1) + budget.used.caches
    throw new Error(
      `the model ${description.name} needs ${needed} bytes of memory (weights ${memory.weights}), and --memory allows ` +
        `${budget.limit}. Allow more, or leave the model out.`,
    )
  }
  const lengths = [description.contextLength, tokens].filter((length) => length !== null)
  return { ...description, contextLength: lengths.length > 0 ? Math.min(...lengths) : null }
}

function observeLoads(models: readonly ServedModel[], log: Logger, metrics: Metrics): PoolObserver {
  return {
    loaded(name, seconds) {
      const model = models.find((one) => one.name === name)
      log.info({ model: name, bundle: model?.bundle, runtime: model?.info?.runtime, seconds }, 'model ready')
      metrics.modelLoads.inc({ model: name, result: 'loaded' })
      metrics.modelLoad.observe(seconds)
    },
    unloaded(name) {
      log.info({ model: name }, 'model unloaded')
      metrics.modelUnloads.inc({ model: name })
    },
    failed(name, error) {
      log.error({ model: name, err: error }, 'a model could not be loaded')
      metrics.modelLoads.inc({ model: name, result: 'failed' })
    },
  }
}
