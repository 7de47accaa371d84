/** The text of a reply that is checked, held back where another text may be served in its place. */
import type { VerifyMode } from '../critic/verify-mode.ts'
import type { Verified } from '../critic/verify-reply.ts'
import type { TokenLogprob } from '../engine/messages.ts'
import { ApiError } from './errors.ts'
import type { Part } from './reply-reader.ts'
import { overall, reasonOf } from './verification.ts'

interface Piece {
  readonly parts: readonly Part[]
  readonly tokens: readonly TokenLogprob[]
}

/** Policies under which the client gets nothing of a reply before it is checked. */
export const WAITS: ReadonlySet<VerifyMode> = new Set(['abstain', 'quote', 'retry', 'rollback'])

export class CheckedText {
  readonly waits: boolean
  readonly #held: Piece[] = []
  #text = ''
  #isPlain = true

  constructor(mode: VerifyMode) {
    this.waits = WAITS.has(mode)
  }

  /** The text of the reply; '' where it has calls of functions, which are not checked. */
  get text(): string {
    return this.#isPlain ? this.#text.trim() : ''
  }

  take(parts: readonly Part[], tokens: readonly TokenLogprob[]): void {
    for (const part of parts) {
      if (part.kind === 'call') this.#isPlain = false
      if (part.kind === 'text') this.#text += part.text
    }
    if (this.waits) this.#held.push({ parts, tokens })
  }

  /** What was held back, or what is served in its place. */
  pieces(served: string | null): readonly Piece[] {
    return served === null ? this.#held : [{ parts: [{ kind: 'text', text: served }], tokens: [] }]
  }
}

/** The text that is served in place of a reply; null: the reply itself. Throws ApiError where the turn is taken back. */
export function servedInstead(verified: Verified | null): string | null {
  const decision = verified?.decision
  if (decision?.action === 'replace') return decision.text
  if (decision?.action !== 'rollback') return null
  const wrong = verified?.verdicts.find(({ verdict, invented }) => verdict === 'contradicted' || invented)
  const message = `The reply was taken back: ${wrong?.reason ?? 'it is not what the user told'}. Nothing was stored.`
  throw new ApiError(422, 'reply_rejected', message)
}

/** What was done with the reply. */
export function actionOf({ decision, retried }: Verified, served: string | null): string {
  if (served !== null && retried?.isServed) return 'retried'
  if (served !== null) return 'replaced'
  return decision.action === 'replace' ? 'keep' : decision.action
}

/** What the critic found and did, as the usage tells it. */
export function verificationReport(verified: Verified, served: string | null): Record<string, unknown> {
  const { policy, verdicts, retried } = verified
  return {
    policy,
    action: actionOf(verified, served),
    result: overall(verdicts),
    ...(retried && { retry: { result: overall(retried.verdicts), tokens: retried.tokens } }),
    verdicts: verdicts.map((one) => {
      const { verdict, invented, probability, facts, start, end } = one
      return {
        verdict,
        invented,
        ...(probability !== undefined && { probability }),
        reason: reasonOf(one),
        memories: facts,
        start,
        end,
      }
    }),
  }
}
