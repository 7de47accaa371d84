/** In a file, and so a process, of its own: what other tests left behind is not to come and go while this measures. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { startThread } from '../../server/thread.ts'

/** Resident memory, with what the system has moved out of it meanwhile. */
function heldMiB(): number {
  const status = readFileSync('/proc/self/status', 'utf8')
  const kilobytes = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0)
  return (kilobytes('VmRSS') + kilobytes('VmSwap')) / 1024
}

const NOISE_MIB = 90

test.skipIf(process.platform !== 'linux').each(['exit', 'throw'] as const)(
  'a thread that crashes (%s) leaves none of its model in memory',
  async (how) => {
    const crash = async (): Promise<void> => {
      const thread = startThread(new URL('./crashing-worker.ts', import.meta.url), { how })
      thread.on('error', () => undefined)
      await new Promise((resolve) => thread.on('exit', resolve))
    }
    // The library and what allocators keep come with the first ones.
    for (let round = 0; round < 3; round++) await crash()
    // Eight models would be more than 240 MiB, each time; what allocators keep comes once, and not on every machine.
    let least = Infinity
    for (let attempt = 0; attempt < 3 && least >= NOISE_MIB; attempt++) {
      const before = heldMiB()
      for (let round = 0; round < 8; round++) await crash()
      least = Math.min(least, heldMiB() - before)
    }
    expect(least).toBeLessThan(NOISE_MIB)
  },
)
