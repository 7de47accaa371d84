/** Questions to the hub that are asked again where its answer, or the network, may be better later. */
import { setTimeout } from 'node:timers/promises'

/** The hub gave other bytes than were asked for. */
export class BytesError extends Error {
  override name = 'BytesError' as const
}

/** Asks again after each of the delays; what ends it goes through `refusal`, with the number of tries. */
export async function persistently<T>(
  delaysMs: readonly number[],
  ask: () => Promise<T>,
  refusal: (cause: unknown, tries: number) => Error,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask()
    } catch (error) {
      const delay = delaysMs[tries - 1]
      if (delay === undefined || !isPassing(error)) throw refusal(error, tries)
      await setTimeout(delay)
    }
  }
}

/** The status of an answer that the hub's library took for an error. */
export function statusOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | null)?.statusCode
  return typeof status === 'number' ? status : undefined
}

/** Whether the same question may be answered later. */
function isPassing(error: unknown): boolean {
  const status = statusOf(error)
  if (status !== undefined) return status === 408 || status === 429 || status >= 500
  return error instanceof BytesError || networkFault(error) !== undefined
}

/** What fetch says of a network that does not answer. */
export function networkFault(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if (error.name === 'TimeoutError') return 'no answer in time'
  if (error.message !== 'fetch failed' && error.message !== 'terminated') return undefined
  const { code, message } = (error.cause ?? {}) as { code?: string; message?: string }
  return code ?? message ?? error.message
}
