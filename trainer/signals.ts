/** What Ctrl-C and `kill` do to a command. */

/** 128 and the number of the signal, as shells count. */
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const
export type StopSignal = keyof typeof exitCodes

export const exitCodeOf = (signal: StopSignal): number => exitCodes[signal]

/** Ends the process at a signal; temporary files are removed on the way. */
export function exitOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(exitCodes[signal]))
}

/**
 * Ends the process at a signal, until `stop`, also while a graph is being compiled. An ordinary exit would wait for
 * that, so files are removed as at an exit, and then the signal does what it does to a process without a handler.
 */
export function endOnSignals(): { readonly stop: () => void } {
  const handlers = (['SIGINT', 'SIGTERM'] as const).map((signal) => {
    const end = (): void => endBy(signal)
    process.once(signal, end)
    return [signal, end] as const
  })
  return { stop: () => handlers.forEach(([signal, end]) => process.off(signal, end)) }
}

function endBy(signal: StopSignal): void {
  process.emit('exit', exitCodes[signal])
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}

/** Aborts at the first signal, so that work can be saved; the second one ends the process at once. */
export function stopOnSignals(): { readonly signal: AbortSignal; readonly received: () => StopSignal | undefined } {
  const stopping = new AbortController()
  let received: StopSignal | undefined
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      if (received !== undefined) return endBy(signal)
      received = signal
      stopping.abort()
    })
  return { signal: stopping.signal, received: () => received }
}
