/** Recipes that cannot be are refused before anything is made. */
import { ConfigError } from '../../models/config.ts'
import { scheduleKinds } from '../run/schedule.ts'
import { type Recipe, tokenizerKinds } from './recipe.ts'

/** No number of rows, tokens or steps is above this. */
const MOST = 1e9

/** Throws ConfigError with the first setting that is out of range. The model's options are its architecture's business. */
export function checkRecipe(recipe: Recipe): void {
  checkWhole(recipe)
  checkReal(recipe)
  checkChoices(recipe)
}

function checkWhole(r: Recipe): void {
  const whole: [name: string, value: number, least: number][] = [
    ['batch', r.batch, 1],
    ['time', r.time, 1],
    ['accumulate', r.accumulate, 1],
    ['recompute', r.recompute, 1],
    ['labels', r.labels, 0],
    ['schedule.steps', r.schedule.steps, 1],
    ['evaluateEvery', r.evaluateEvery === 'epoch' ? 1 : r.evaluateEvery, 1],
    ['evaluateBatches', r.evaluateBatches, 1],
    ['checkpointEvery', r.checkpointEvery, 1],
    ['logEvery', r.logEvery, 1],
    ['schedule.warmup', r.schedule.warmup, 0],
    ['patience', r.patience, 0],
    ['generation.max_tokens', r.generation.max_tokens ?? 1, 1],
  ]
  for (const [name, value, least] of whole)
    if (!Number.isInteger(value) || value < least || value > MOST)
      throw new ConfigError(`${name}: expected a whole number from ${least} to ${MOST}, got ${JSON.stringify(value)}`)
}

function checkReal(r: Recipe): void {
  const positive: [string, number][] = [
    ['learningRate', r.learningRate],
    ['optimizer.clip', r.optimizer.clip],
    ['optimizer.eps', r.optimizer.eps],
  ]
  const bounded: [string, number, number, number][] = [
    ['schedule.minRatio', r.schedule.minRatio, 0, 1],
    ['schedule.decay', r.schedule.decay ?? 0.2, 0, 1],
    ['optimizer.weightDecay', r.optimizer.weightDecay, 0, 10],
    ...Object.entries(r.rates).map(([group, rate]): [string, number, number, number] => [
      `rates.${group}`,
      rate,
      0,
      1e4,
    ]),
    ['generation.temperature', r.generation.temperature ?? 0, 0, 2],
    ['generation.top_p', r.generation.top_p ?? 1, 1e-6, 1],
  ]
  for (const [name, value, least, most] of bounded)
    if (typeof value !== 'number' || !(value >= least && value <= most))
      throw new ConfigError(`${name}: expected a number from ${least} to ${most}, got ${JSON.stringify(value)}`)
  for (const [name, value] of positive)
    if (!(value > 0 && Number.isFinite(value)))
      throw new ConfigError(`${name}: expected a number above 0, got ${value}`)
  for (const [name, value] of [
    ['optimizer.beta1', r.optimizer.beta1],
    ['optimizer.beta2', r.optimizer.beta2],
  ] as const)
    if (!(value >= 0 && value < 1)) throw new ConfigError(`${name}: expected 0 to below 1, got ${value}`)
}

function checkChoices(r: Recipe): void {
  const chosen: [string, string, readonly string[]][] = [
    ['schedule.kind', r.schedule.kind, scheduleKinds],
    ['tokenizer.kind', r.tokenizer.kind, tokenizerKinds],
  ]
  for (const [name, value, choices] of chosen)
    if (!choices.includes(value)) throw new ConfigError(`${name}: expected one of ${choices.join(', ')}, got ${value}`)
  const unknown = Object.keys(r.generation).find((name) => !['temperature', 'top_p', 'max_tokens'].includes(name))
  if (unknown !== undefined) throw new ConfigError(`generation.${unknown}: expected temperature, top_p or max_tokens`)
  if (!['pretrain', 'instruct'].includes(r.mode))
    throw new ConfigError(`mode: expected pretrain or instruct, got ${r.mode}`)
  if (r.mode === 'instruct' && r.data.kind !== 'text')
    throw new ConfigError(
      `mode: expected pretrain, got instruct: ${r.name} makes its own data, with weights of its own`,
    )
  if (!['float32', 'tf32', 'bfloat16'].includes(r.precision))
    throw new ConfigError(`precision: expected float32, tf32 or bfloat16, got ${r.precision as string}`)
  if (![8, 32].includes(r.optimizer.bits))
    throw new ConfigError(`optimizer.bits: expected 8 or 32, got ${String(r.optimizer.bits)}`)
}
