/** The calls that feed a reply: one token each, but for those that verify drafts. */
import { DRAFT_CALL } from './call-buffers.ts'
import { addCalls, BESIDE } from './prefill-calls.ts'
import type { DecodeSequence } from './sequence.ts'

/** A call has fed `length` tokens of the sequence; `beside`: one token, with those of other sequences. */
export function countFed(sequence: DecodeSequence, length: number, beside: boolean): void {
  if (length === 0) return
  sequence.position += length
  sequence.fed += length
  sequence.calls++
  addCalls(sequence.callRuns, beside ? BESIDE : length, 1)
}

/** The length of each call that fed the sequence's reply, or BESIDE; null: one token a call. */
export function callLengths({ callRuns }: DecodeSequence): readonly number[] | null {
  if (callRuns.length === 0 || (callRuns.length === 2 && callRuns[0] === 1)) return null
  const lengths: number[] = []
  for (let at = 0; at < callRuns.length; at += 2)
    for (let count = 0; count < (callRuns[at + 1] as number); count++) lengths.push(callRuns[at] as number)
  return lengths
}

/** A draft that the sequence's next call is to verify. */
export function draftOf(sequence: DecodeSequence): readonly number[] {
  return sequence.drafter?.propose(sequence.next.length, roomForDraft(sequence)) ?? []
}

/** Tokens that may follow those that are known in the sequence's next call. */
export function roomForDraft({ job, next, reply, ending }: DecodeSequence): number {
  if (!reply || job.kind !== 'turn' || ending) return 0
  // A verified token more is sampled after the draft's last one.
  const left = job.maxTokens - reply.generated.length - 1
  return Math.max(0, Math.min(left, DRAFT_CALL - next.length))
}
