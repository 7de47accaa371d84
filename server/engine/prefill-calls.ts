/** How the tokens before a reply are split into calls: that decides the last bits of the state. */

/**
 * Lengths of consecutive calls, run by run: [length, count, length, count...]. The length BESIDE is one token that was
 * computed in one call with tokens of other sequences, where that matters for its bits (runner.ts).
 */
export type CallRuns = readonly number[]

/**
 * A call that ends a message has at least this many tokens after the end of the message before. What a template writes
 * around an empty message is shorter, and not worth a call.
 */
const SHORTEST_MESSAGE = 4

/** A call of one token beside those of other sequences. */
export const BESIDE = -1

/** How many tokens a call of this length feeds. */
export function tokensOf(call: number): number {
  return call === BESIDE ? 1 : call
}

/** Appends `count` calls of `length` tokens to `runs`. */
export function addCalls(runs: number[], length: number, count: number): void {
  if (count === 0) return
  if (runs.at(-2) === length) runs[runs.length - 1] = (runs.at(-1) as number) + count
  else runs.push(length, count)
}

/** The calls of `before`, then those of `after`. */
export function joinCalls(before: CallRuns, after: CallRuns): CallRuns {
  const runs = [...before]
  for (let at = 0; at < after.length; at += 2) addCalls(runs, after[at] as number, after[at + 1] as number)
  return runs
}

/** All calls that fed a prompt: those of the prefix that was kept, then those of the job; null where a job tells none. */
export function callsFrom(prefix: { readonly calls: CallRuns } | null, calls: CallRuns | null): CallRuns | null {
  return calls && joinCalls(prefix?.calls ?? [], calls)
}

/** The length of the call that begins after `fed` tokens, or BESIDE; 0 after the last one. */
export function callAfter(runs: CallRuns, fed: number): number {
  let position = 0
  for (let at = 0; at < runs.length; at += 2) {
    const [call, count] = [runs[at] as number, runs[at + 1] as number]
    position += tokensOf(call) * count
    if (fed < position) return call
  }
  return 0
}

/** Whether a message ends with the token before `position`. It depends on the tokens up to there only. */
export function endsMessage(tokens: readonly number[], position: number, messageEnds: ReadonlySet<number>): boolean {
  if (position < SHORTEST_MESSAGE || !messageEnds.has(tokens[position - 1] as number)) return false
  for (let before = 2; before <= SHORTEST_MESSAGE; before++)
    if (messageEnds.has(tokens[position - before] as number)) return false
  return true
}

/**
 * Where the call ends that begins at `from`: after `chunk` tokens, or before that where a message ends after `earliest`.
 * A prompt that begins with another one makes the same calls up to the other's last call.
 */
export function callEnd(
  tokens: readonly number[],
  from: number,
  chunk: number,
  messageEnds: ReadonlySet<number>,
  earliest: number,
): number {
  const end = Math.min(tokens.length, from + chunk)
  if (messageEnds.size === 0) return end
  for (let position = Math.max(from + 1, earliest); position < end; position++)
    if (endsMessage(tokens, position, messageEnds)) return position
  return end
}

/** Where the last message ends that is followed by other tokens; 0 if there is none. */
export function lastMessageEnd(tokens: readonly number[], messageEnds: ReadonlySet<number>): number {
  if (messageEnds.size === 0) return 0
  for (let position = tokens.length - 1; position > 0; position--)
    if (endsMessage(tokens, position, messageEnds)) return position
  return 0
}
