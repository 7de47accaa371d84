/** Speed over HTTP, in rounds in which the contenders take turns: prefill, decoding by context, several streams at once. */
import type { Contender } from './contender.ts'
import { randomText, wordsPerToken } from './prompts.ts'
import { quantile } from './statistics.ts'
import { streamReply, type Address, type StreamedReply } from './stream.ts'

export interface SpeedOptions {
  /** Tokens of the prompt of which the prefill is measured. */
  readonly prompt: number
  /** Tokens of each reply. */
  readonly gen: number
  /** Tokens before the reply of which decoding is measured, one row each. */
  readonly depths: readonly number[]
  /** Requests at once in the last rows, each with a prompt of the smallest depth. */
  readonly concurrency: number
  readonly rounds: number
}

/** Tokens that all requests have at once, at most. */
export function mostSpeedTokens({ prompt, gen, depths, concurrency }: SpeedOptions): number {
  const streams = concurrency * (Math.min(...depths) + gen)
  return Math.ceil(1.2 * Math.max(prompt, streams, Math.max(...depths) + gen)) + 64
}

/** A contender that takes requests. */
export interface Running {
  readonly contender: Contender
  readonly address: Address
}

/** A row of the table: samples of each contender, in the contenders' order. */
export interface Metric {
  readonly name: string
  readonly unit: 'tokens/s' | 'ms'
  readonly samples: readonly (readonly number[])[]
}

type Sample = readonly [name: string, unit: Metric['unit'], value: number]

/** Short replies measure little; so many prompts are tried for a long one. */
const TRIES = 5

export async function measureSpeed(running: readonly Running[], options: SpeedOptions): Promise<Metric[]> {
  const first = running[0]
  if (!first) return []
  const words = await wordsPerToken(first.address, first.contender.model)
  const text = (tokens: number, seed: number): string => randomText(Math.max(1, Math.round(words * tokens)), seed)
  const rows = new Map<string, { unit: Metric['unit']; samples: number[][] }>()
  for (const one of running) await completion(one, text(16, 1), 8)
  for (let round = 0; round < options.rounds; round++)
    for (const [which, { contender, address }] of running.entries()) {
      const seed = 1000 * (round + 1)
      const add = ([name, unit, value]: Sample): void => {
        const row = rows.get(name) ?? { unit, samples: running.map(() => []) }
        rows.set(name, row)
        row.samples[which]?.push(value)
      }
      const one = { contender, address }
      prefill(await completion(one, text(options.prompt, seed), 1), options).forEach(add)
      for (const [i, depth] of options.depths.entries())
        decoding(await longReply(one, (again) => text(depth, seed + 10 * i + again + 1), options), depth).forEach(add)
      if (options.concurrency > 1)
        (await streams(one, (i) => text(shallowest(options), seed + 100 + i), options)).forEach(add)
    }
  return [...rows].map(([name, row]) => ({ name, ...row }))
}

const shallowest = ({ depths }: SpeedOptions): number => Math.min(...depths)

async function completion({ contender, address }: Running, prompt: string, tokens: number): Promise<StreamedReply> {
  const stream = { stream_options: { include_usage: true } }
  const body = { model: contender.model, prompt, max_tokens: tokens, temperature: 0, ...stream }
  return streamReply(address, '/v1/completions', body)
}

/** The longest of some replies: the first that has half of the tokens asked for. Throws where all end at once. */
async function longReply(
  one: Running,
  prompt: (again: number) => string,
  { gen }: SpeedOptions,
): Promise<StreamedReply> {
  let longest: StreamedReply | null = null
  for (let again = 0; again < TRIES; again++) {
    const reply = await completion(one, prompt(again), gen)
    if (isTimed(reply) && outputOf(reply) > (longest ? outputOf(longest) : 0)) longest = reply
    if (longest && outputOf(longest) >= gen / 2) break
  }
  if (longest) return longest
  throw new Error(`${one.contender.name}: ${TRIES} replies in a row had no more than one token; nothing can be timed`)
}

const outputOf = ({ tokens }: StreamedReply): number => tokens?.output ?? 0

/** Whether a reply has a time between its tokens. */
const isTimed = (reply: StreamedReply): boolean => outputOf(reply) > 1 && reply.itl.length > 0

function prefill({ tokens, ttft }: StreamedReply, { prompt }: SpeedOptions): Sample[] {
  const computed = (tokens?.prompt ?? 0) - (tokens?.cached ?? 0)
  return [
    [`pp${prompt}`, 'tokens/s', (1000 * computed) / ttft],
    [`TTFT, ${prompt} tokens`, 'ms', ttft],
  ]
}

/** Time per output token after the first, as vLLM's benchmark counts it. */
function tpot(reply: StreamedReply): number {
  return (reply.duration - reply.ttft) / (outputOf(reply) - 1)
}

function decoding(reply: StreamedReply, depth: number): Sample[] {
  const at = `context ${depth}`
  return [
    [`tg, ${at}`, 'tokens/s', 1000 / tpot(reply)],
    [`TPOT, ${at}`, 'ms', tpot(reply)],
    [`ITL p50, ${at}`, 'ms', quantile(reply.itl, 0.5)],
    [`ITL p99, ${at}`, 'ms', quantile(reply.itl, 0.99)],
  ]
}

async function streams(one: Running, prompt: (i: number) => string, options: SpeedOptions): Promise<Sample[]> {
  const { concurrency, gen } = options
  const since = performance.now()
  const prompts = Array.from({ length: concurrency }, (_, i) => prompt(i))
  const replies = await Promise.all(prompts.map((text) => completion(one, text, gen)))
  const seconds = (performance.now() - since) / 1000
  const made = replies.reduce((sum, reply) => sum + outputOf(reply), 0)
  const timed = replies.filter(isTimed)
  const firsts = replies.map(({ ttft }) => ttft)
  const gaps = timed.flatMap(({ itl }) => itl)
  const at = `${concurrency} streams`
  const samples: Sample[] = [
    [`output throughput, ${at}`, 'tokens/s', made / seconds],
    [`TTFT p50, ${at}`, 'ms', quantile(firsts, 0.5)],
    [`TPOT p50, ${at}`, 'ms', quantile(timed.map(tpot), 0.5)],
    [`ITL p99, ${at}`, 'ms', quantile(gaps, 0.99)],
  ]
  return samples.filter(([, , value]) => !Number.isNaN(value))
}
