/** What code allocates, freed again or not: on the JavaScript heap by V8's sampling profiler, outside it by array buffers. */
import { Session } from 'node:inspector/promises'

export interface Allocations {
  /** Bytes on the heap of a step, in the mean: an estimate from a sample every 512 bytes. */
  readonly heap: number
  /** Bytes of array buffers of a step, in the median: something else in this process may allocate between two steps. */
  readonly buffers: number
}

interface Sampled {
  readonly selfSize: number
  readonly children: readonly Sampled[]
}

/** Runs `step` so many times and returns what one of them allocates. */
export async function allocationsOf(times: number, step: () => Promise<void>): Promise<Allocations> {
  const session = new Session()
  session.connect()
  try {
    await session.post('HeapProfiler.enable')
    await session.post('HeapProfiler.startSampling', {
      samplingInterval: 512,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    })
    const buffers: number[] = []
    for (let i = 0; i < times; i++) {
      const before = process.memoryUsage().arrayBuffers
      await step()
      buffers.push(Math.max(0, process.memoryUsage().arrayBuffers - before))
    }
    const { profile } = await session.post('HeapProfiler.stopSampling')
    return { heap: sizeOf(profile.head) / times, buffers: buffers.toSorted((a, b) => a - b)[times >> 1] as number }
  } finally {
    session.disconnect()
  }
}

function sizeOf({ selfSize, children }: Sampled): number {
  return children.reduce((sum, child) => sum + sizeOf(child), selfSize)
}
