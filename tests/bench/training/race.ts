/** Processes that train in turn, so that what else the machine does falls on all of them. */
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface Contender {
  readonly name: string
  readonly description: string
  readonly first: number
  /** Trains for so many seconds; returns tokens per second. */
  run(seconds: number): Promise<number>
  stop(): void
}

/** A process that says hello and then trains as long as each line of its stdin says; null if it does not start. */
export async function start(name: string, tokens: number, child: ChildProcess): Promise<Contender | null> {
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  child.once('error', () => child.stdout!.destroy())
  const answer = async (): Promise<Record<string, number | string> | null> => {
    for (let next = await lines.next(); !next.done; next = await lines.next())
      if (next.value.startsWith('{')) return JSON.parse(next.value) as Record<string, number | string>
    return null
  }
  const hello = await answer()
  if (!hello) return null
  return {
    name,
    description: String(hello['description']),
    first: Number(hello['first']),
    async run(time) {
      child.stdin!.write(`${time}\n`)
      const done = await answer()
      if (!done) throw new Error(`${name} stopped`)
      return (Number(done['steps']) * tokens) / Number(done['seconds'])
    },
    stop: () => child.stdin!.end(),
  }
}

/** Tokens per second by name, the median of the rounds. */
export async function race(
  contenders: readonly Contender[],
  rounds: number,
  seconds: number,
): Promise<Map<string, number>> {
  const speeds = new Map(contenders.map(({ name }) => [name, [] as number[]]))
  for (let round = 0; round < rounds; round++)
    for (const { name, run } of contenders) {
      const speed = await run(seconds)
      speeds.get(name)?.push(speed)
      process.stderr.write(`round ${round + 1} ${name}: ${speed.toFixed(0)} tokens/s\n`)
    }
  const median = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)]!
  return new Map([...speeds].map(([name, all]) => [name, median(all)]))
}
