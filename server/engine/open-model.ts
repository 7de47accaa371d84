/** Opens a bundle's decoder for serving: with as many threads as are fastest, and tried once before it serves anybody. */
import { availableParallelism } from 'node:os'
import { decoderOf, loadBundle, tokenizerOf, type Bundle } from '../../runtime/bundle.ts'
import type { Device } from '../../runtime/device.ts'
import type { Graph } from '../../runtime/graph.ts'
import { openGraph, runtimeInfo } from '../../runtime/open-graph.ts'
import { openText } from '../../runtime/text.ts'
import { createOrtRunner } from './ort-runner.ts'
import { DRAFT_CALL } from './call-buffers.ts'
import type { ExitInfo } from './early-stage.ts'
import { measuredExit, type MeasuredExit } from './exit-drafter.ts'
import type { Row, Runner, Segment } from './runner.ts'
import { requireFinite } from './sampler.ts'
import type { OpenedModel } from './serve-engine.ts'

export interface ModelOptions {
  /** The bundle's folder. */
  readonly bundle: string
  /** Its id when the server started. */
  readonly id?: string
  /** Threads within one operator; null: what a measurement finds fastest. */
  readonly threads: number | null
  /** Sequences that decode together. */
  readonly rows: number
  /** Bytes of keys and values that are kept of sequences that have ended. */
  readonly residentBytes: number
  readonly device: Device
}

/** More threads than this have not been seen to help one token. */
const MOST_THREADS = 16
/** A model that takes longer than this to open is opened once, with all threads: large models profit from them. */
const SLOW_OPENING_MS = 2_000
/** Decode steps of a trial, and the time that it may take. */
const STEPS = 40
/** Tokens by which alone and in a batch are compared. */
const BATCH_STEPS = 4
const TRIAL_MS = 300
/** More threads are only taken if they are so much faster: they take the cores from everything else. */
const WORTHWHILE = 0.9

interface Trial {
  readonly threads: number
  readonly runner: Runner
  /** Milliseconds of a decode step of one row. */
  readonly stepMs: number
}

/** Throws where the bundle cannot be loaded, or its graph does not run. */
export async function openModel(options: ModelOptions): Promise<OpenedModel> {
  const { bundle: folder, id, threads, rows, device } = options
  const bundle = await loadBundle(folder)
  if (id !== undefined && bundle.id !== id)
    throw new Error(`${folder}: expected the bundle that was there when the server started, got another; restart it`)
  const open = (count: number): Promise<Trial> => tryThreads(bundle, count, options)
  const tokenizer = tokenizerOf(bundle.manifest)
  const { trial, measured } =
    threads === null && device === 'cpu' ? await fastest(open) : await given(open, threads ?? 1)
  const { runner } = trial
  if (bundle.manifest.early) runner.exit = await measureExit(runner, bundle.manifest.early, tokenizer.vocab)
  runner.batchMatters = rows > 1 && (await differsInBatch(runner, tokenizer.vocab))
  const { version, binding, reason } = runtimeInfo()
  const how = reason === undefined ? '' : ` (${reason})`
  const batches = runner.batchMatters ? ', tokens computed alone have other last bits than in a batch' : ''
  const runtime = `onnxruntime ${version}, ${binding}, ${device}${how}, ${measured}${batches}${exitText(runner.exit)}`
  return { runner, codec: openText(bundle.dir), runtime }
}

async function given(
  open: (threads: number) => Promise<Trial>,
  threads: number,
): Promise<{ trial: Trial; measured: string }> {
  return { trial: await open(threads), measured: `${threadsText(threads)} as given` }
}

/** Tries 1, 2, 4... threads for as long as more are faster. */
async function fastest(open: (threads: number) => Promise<Trial>): Promise<{ trial: Trial; measured: string }> {
  const most = Math.min(availableParallelism(), MOST_THREADS)
  const began = performance.now()
  let best = await open(1)
  const slow = performance.now() - began > SLOW_OPENING_MS
  const seen = [best]
  for (let threads = slow ? most : 2; threads <= most && threads > 1; threads *= 2) {
    // One after the other: the weights are in memory once.
    seen.at(-1)?.runner.close()
    const trial = await open(threads)
    seen.push(trial)
    if (trial.stepMs > WORTHWHILE * best.stepMs) break
    best = trial
  }
  if (best !== seen.at(-1)) {
    seen.at(-1)?.runner.close()
    best = { ...(await open(best.threads)), stepMs: best.stepMs }
  }
  const times = seen.map(({ threads, stepMs }) => `${threads}: ${stepMs.toFixed(2)}`).join(', ')
  return { trial: best, measured: `${threadsText(best.threads)} (measured, ms a token: ${times})` }
}

async function tryThreads(
  bundle: Bundle,
  threads: number,
  { rows, residentBytes, device }: ModelOptions,
): Promise<Trial> {
  const { file } = decoderOf(bundle.manifest)
  // Threads that spin while they wait are faster, and only worth their core where there are several.
  const graph = await openGraph(bundle.path(file), { threads, device })
  let early: Graph | undefined
  try {
    const stage = bundle.manifest.graphs['early']
    early = stage && (await openGraph(bundle.path(stage.file), { threads, device }))
    const runner = createOrtRunner(bundle, graph, rows, residentBytes, early)
    return { threads, runner, stepMs: await warmUp(runner, tokenizerOf(bundle.manifest).vocab) }
  } catch (error) {
    graph.close()
    early?.close()
    throw error
  }
}

/** Runs a prompt and some tokens; returns the median time of a token. Throws where the model does not run as it should. */
async function warmUp(runner: Runner, vocab: number): Promise<number> {
  const run = async (segment: Segment): Promise<void> => {
    const [result] = await runner.step([segment])
    if (!result || 'error' in result) throw result?.error ?? new Error('the model gave no result')
    requireFinite(result.logits.subarray(0, vocab))
  }
  const ids = Array.from({ length: runner.prefillChunk }, (_, i) => (i * 7919) % vocab)
  const row = runner.open('', null, 0)
  await run({ row, ids, use: 'prefill', logits: 'last' })
  const times: number[] = []
  const began = performance.now()
  for (let i = 0; i < STEPS && performance.now() - began < TRIAL_MS; i++) {
    const start = performance.now()
    await run({ row, ids: [i % vocab], use: 'decode', logits: 'last' })
    times.push(performance.now() - start)
  }
  runner.release(row)
  return times.toSorted((a, b) => a - b)[times.length >> 1] ?? Infinity
}

/** Whether a few tokens have other logits alone than in one call with those of another sequence. */
async function differsInBatch(runner: Runner, vocab: number): Promise<boolean> {
  const [alone, one, other] = [0, 1, 2].map(() => runner.open('', null, 0)) as [Row, Row, Row]
  let differs = false
  for (let step = 0; step < BATCH_STEPS && !differs; step++) {
    const feed = (rows: readonly Row[]) =>
      runner.step(rows.map((row) => ({ row, ids: [(step * 7919) % vocab], use: 'decode', logits: 'last' })))
    const [first] = await feed([alone])
    const expected = first && 'logits' in first ? first.logits.slice(0, vocab) : null
    const [second] = await feed([one, other])
    const made = second && 'logits' in second ? second.logits : null
    differs = !expected || !made || expected.some((logit, id) => logit !== made[id])
  }
  for (const row of [alone, one, other]) runner.release(row)
  return differs
}

/**
 * Rounds of calls by which an exit is measured, at least and at most, and the time that they may take: on a machine that does
 * other things too, few calls are undisturbed. Tokens of a call that verifies a draft.
 */
const [LEAST_ROUNDS, MOST_ROUNDS] = [8, 256]
const EXIT_MS = 1_000
const VERIFIED = 4

/**
 * What a call of the early stage and a further token of a call cost, and what follows from it. The calls take turns, and of each
 * kind the shortest counts: what else runs meanwhile only adds to the others.
 */
async function measureExit(runner: Runner, info: ExitInfo, vocab: number): Promise<MeasuredExit> {
  const row = runner.open('', null, 0)
  const least = { one: Infinity, several: Infinity, ahead: Infinity }
  const time = async (kind: keyof typeof least, call: Omit<Segment, 'row' | 'use'>): Promise<void> => {
    const start = performance.now()
    const [result] = await runner.step([{ row, use: 'decode', ...call }])
    if (!result || 'error' in result) throw result?.error ?? new Error('the model gave no result')
    least[kind] = Math.min(least[kind], performance.now() - start)
  }
  const ids = Array.from({ length: VERIFIED }, (_, i) => (i * 7919) % vocab)
  const one = { ids: ids.slice(0, 1), logits: 'last' } as const
  const began = performance.now()
  for (let round = 0; round < MOST_ROUNDS; round++) {
    if (round >= LEAST_ROUNDS && performance.now() - began > EXIT_MS) break
    await time('one', one)
    await time('several', { ids, logits: 'all', draft: VERIFIED - 1 })
    runner.accept(row, 0)
    await time('ahead', { ...one, exit: { most: 1, verified: false, choose: () => null } })
  }
  runner.release(row)
  const draft = Math.max(0, least.ahead / least.one - 1)
  const verify = Math.max(0, (least.several / least.one - 1) / (VERIFIED - 1))
  return measuredExit(info, { draft, verify }, DRAFT_CALL - 1)
}

function exitText(exit: MeasuredExit | undefined): string {
  if (!exit) return ''
  const { after, agreement, draft, verify, speed, pays } = exit
  const costs = `a draft costs ${draft.toFixed(2)} and its verification ${verify.toFixed(2)} of a token, ${Math.round(100 * agreement)} % are right`
  return `, early exit after layer ${after} ${pays ? 'drafts' : 'is off unless asked for'} (measured: ${costs}, so at best ${speed.toFixed(2)} times as fast)`
}

function threadsText(threads: number): string {
  return threads === 1 ? '1 thread' : `${threads} threads`
}
