/** From a job as it is submitted to the job that an engine takes: its prompt encoded and looked up. */
import type { CachedPrompt } from '../prefix-cache/cached-prompt.ts'
import type { OpenPrompt } from '../prefix-cache/model-prefixes.ts'
import type { PrefixOptions } from '../prefix-cache/prefix-cache.ts'
import type { AcceptedEvent, Job, Prompt, ReplayJob, TurnJob, WholePrompt } from './messages.ts'
import type { Tokenizer } from './tokenizer.ts'

/** A job that has no number yet, and its prompt. A replay's prompt is ids. */
export type NewTurn = Omit<TurnJob, 'id' | 'prefillChunk' | 'whole'> & {
  readonly prompt: Prompt
  /** Tokens that there has to be room for in each reply; where there is room for fewer than `maxTokens`, it ends there. */
  readonly leastTokens: number
  /** How the prefix cache is used for a prompt that begins its conversation; null: not at all. */
  readonly prefixes: PrefixOptions | null
}
export type NewReplay = Omit<ReplayJob, 'id'> & { readonly prompt: Prompt }
export type NewJob = NewTurn | NewReplay

export function encode(tokenizer: Tokenizer, { owner, prompt, from }: NewJob): ReturnType<Tokenizer['encode']> {
  return tokenizer.encode(owner, prompt, from !== null, from?.pending.length ?? 0)
}

/** Log-probabilities of a prompt need all of it to be computed. */
export async function lookUp(
  job: NewJob,
  ids: readonly number[],
  tokenizer: Tokenizer,
  openPrompt: OpenPrompt,
): Promise<CachedPrompt | null> {
  if (job.kind !== 'turn' || job.from || !job.prefixes || job.promptLogprobs !== null) return null
  const { owner, prefixes } = job
  return openPrompt(owner, prefixes, (prompt, reply) => tokenizer.reencode(owner, prompt, reply), ids)
}

export function usedPrefix({ hit }: CachedPrompt, seconds: number): AcceptedEvent['prefix'] {
  if (!hit) return null
  const { position: cached, calls } = hit.prefix
  return { cached, calls, tier: hit.tier, seconds }
}

export function jobOf(
  id: number,
  { prompt: _prompt, ...fresh }: NewJob,
  prompt: CachedPrompt | null,
  messageEnds: readonly number[],
  { maxTokens, prefillChunk }: Pick<TurnJob, 'maxTokens' | 'prefillChunk'>,
): Job {
  if (fresh.kind === 'replay') return { ...fresh, id }
  const { prefixes: _prefixes, leastTokens: _leastTokens, ...turn } = fresh
  const whole: WholePrompt = {
    messageEnds,
    cached: prompt?.cached ?? 0,
    afterReply: prompt?.hit?.prefix.afterReply ?? false,
    snapshots: prompt !== null,
  }
  return { ...turn, id, maxTokens, prefillChunk, from: prompt?.from ?? turn.from, whole: turn.from ? null : whole }
}
