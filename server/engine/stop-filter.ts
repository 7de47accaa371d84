/** Text as it may be shown: nothing of a stop string, not even its first letters, ever leaves. */

export interface StopFilter {
  /** Text that is now certain; `stopped` is the stop string that ended it. Nothing may be pushed after that. */
  push(text: string): { text: string; stopped: string | null }
  /** What was held back and turned out to be no stop string. */
  flush(): string
}

/** Holds back the longest tail that could begin one of `stops` (each non-empty). */
export function createStopFilter(stops: readonly string[]): StopFilter {
  let held = ''
  return {
    push(text) {
      held += text
      const found = earliest(held, stops)
      if (found) {
        const shown = held.slice(0, found.at)
        held = ''
        return { text: shown, stopped: found.stop }
      }
      const keep = Math.max(0, ...stops.map((stop) => overlap(held, stop)))
      const shown = held.slice(0, held.length - keep)
      held = held.slice(held.length - keep)
      return { text: shown, stopped: null }
    },
    flush() {
      const rest = held
      held = ''
      return rest
    },
  }
}

/** The stop string that begins first; of two that begin together, the longer one. */
function earliest(text: string, stops: readonly string[]): { at: number; stop: string } | null {
  let best: { at: number; stop: string } | null = null
  for (const stop of stops) {
    const at = text.indexOf(stop)
    if (at < 0) continue
    if (!best || at < best.at || (at === best.at && stop.length > best.stop.length)) best = { at, stop }
  }
  return best
}

/** Length of the longest proper prefix of `stop` that `text` ends with. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length
  }
  return 0
}
