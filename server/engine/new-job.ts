/** From a job as it is submitted to the job that an engine takes: its prompt encoded and looked up. */
import type { CachedPrompt } from '../prefix-cache/cached-prompt.ts'
import type { OpenPrompt } from '../prefix-cache/model-prefixes.ts'
import type { PrefixOptions } from '../prefix-cache/prefix-cache.ts'
import type { DraftOptions } from './drafter.ts'
import type { AcceptedEvent, Job, Prompt, ReplayJob, TurnJob, WholePrompt } from './messages.ts'
import type { Tokenizer } from './tokenizer.ts'

/** A job that has no number yet, and its prompt. A replay's prompt is ids. */
export type NewTurn = Omit<TurnJob, 'id' | 'prefillChunk' | 'whole' | 'drafts'> & {
  readonly prompt: Prompt
  readonly drafts: NewDrafts | null
  /** Tokens that there has to be room for in each reply; where there is room for fewer than `maxTokens`, it ends there. */
  readonly leastTokens: number
  /** How the prefix cache is used for a prompt that begins its conversation; null: not at all. */
  readonly prefixes: PrefixOptions | null
}
/** Drafts whose prediction is a text. */
export type NewDrafts = Omit<DraftOptions, 'prediction'> & { readonly prediction: string | null }
export type NewReplay = Omit<ReplayJob, 'id'> & { readonly prompt: Prompt }
export type NewJob = NewTurn | NewReplay

export function encode(tokenizer: Tokenizer, { owner, prompt, from }: NewJob): ReturnType<Tokenizer['encode']> {
  return tokenizer.encode(owner, prompt, from !== null, from?.pending.length ?? 0)
}

/** The drafts of a turn, with the ids of their prediction. A prediction that cannot be encoded predicts nothing. */
export async function encodeDrafts(tokenizer: Tokenizer, job: NewJob): Promise<DraftOptions | null> {
  if (job.kind !== 'turn' || !job.drafts) return null
  const { owner, drafts } = job
  if (drafts.prediction === null) return { ...drafts, prediction: null }
  const encoded = await tokenizer.encode(owner, { kind: 'reply', text: drafts.prediction }, true, 1)
  return { ...drafts, prediction: 'ids' in encoded ? encoded.ids : null }
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
  { maxTokens, prefillChunk, drafts }: Pick<TurnJob, 'maxTokens' | 'prefillChunk' | 'drafts'>,
): Job {
  if (fresh.kind === 'replay') return { ...fresh, id }
  const { prefixes, leastTokens: _leastTokens, ...turn } = fresh
  const whole: WholePrompt = {
    messageEnds,
    cached: prompt?.cached ?? 0,
    afterReply: prompt?.hit?.prefix.afterReply ?? false,
    snapshots: prompt !== null && prefixes?.readOnly !== true,
  }
  return {
    ...turn,
    id,
    maxTokens,
    prefillChunk,
    drafts,
    from: prompt?.from ?? turn.from,
    whole: turn.from ? null : whole,
  }
}
