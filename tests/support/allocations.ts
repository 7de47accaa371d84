/** What code allocates, freed again or not: on the JavaScript heap by V8's sampling profiler, outside it by array buffers. */
import { Session } from 'node:inspector/promises'

export interface Allocations {
  /** Bytes on the heap: an estimate from a sample every 512 bytes. */
  readonly heap: number
  /** Bytes of array buffers. */
  readonly buffers: number
}

interface Sampled {
  readonly selfSize: number
  readonly children: readonly Sampled[]
}

/** Runs `step` so many times and returns what all of them allocated. */
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
    let buffers = 0
    for (let i = 0; i < times; i++) {
      const before = process.memoryUsage().arrayBuffers
      await step()
      buffers += Math.max(0, process.memoryUsage().arrayBuffers - before)
    }
    const { profile } = await session.post('HeapProfiler.stopSampling')
    return { heap: sizeOf(profile.head), buffers }
  } finally {
    session.disconnect()
  }
}

function sizeOf({ selfSize, children }: Sampled): number {
  return children.reduce((sum, child) => sum + sizeOf(child), selfSize)
}
