/** What engines are timed at, in rounds that take turns. */
import type { Engine } from './engine-process.ts'

interface Case {
  readonly name: string
  readonly round: object
  /** Tokens a second, of the milliseconds that the engine answers. */
  readonly rate: (ms: number) => number
}

export const CASES: readonly Case[] = [
  {
    name: 'decode, context 64, tokens/s',
    round: { kind: 'decode', streams: 1, context: 64, tokens: 64 },
    rate: (ms) => 1000 / ms,
  },
  {
    name: 'decode, context 1,024, tokens/s',
    round: { kind: 'decode', streams: 1, context: 1024, tokens: 48 },
    rate: (ms) => 1000 / ms,
  },
  {
    name: 'prefill of 512, tokens/s',
    round: { kind: 'prefill', tokens: 512, round: 0 },
    rate: (ms) => 512_000 / ms,
  },
  {
    name: '16 streams, tokens/s together',
    round: { kind: 'decode', streams: 16, context: 64, tokens: 24 },
    rate: (ms) => 16_000 / ms,
  },
]

/** Runs all cases on all engines, `rounds` times; returns the median rate of a case on an engine. */
export async function ratesOf(
  engines: readonly Engine[],
  rounds: number,
): Promise<(name: string, engine: Engine) => number> {
  const rates = new Map<string, number[]>()
  for (let round = 0; round < rounds; round++)
    for (const { name, round: asked, rate } of CASES)
      for (const [i, engine] of engines.entries()) {
        const key = `${name}|${i}`
        rates.set(key, [...(rates.get(key) ?? []), rate(await engine.ask<number>(asked))])
      }
  return (name, engine) => {
    const all = rates.get(`${name}|${engines.indexOf(engine)}`)!.toSorted((a, b) => a - b)
    return all[all.length >> 1]!
  }
}
