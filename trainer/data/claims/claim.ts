/** A claim: what a user said, what was asked, a sentence of a reply, and whether the one holds by the other. */
import { pairText, type VerdictLabel } from '../../../runtime/critic.ts'

export interface Claim {
  /** What kind of fault it has, or of none. */
  readonly kind: string
  readonly evidence: string
  readonly question: string
  readonly sentence: string
  readonly label: VerdictLabel
}

/** The two texts of a claim as the encoder reads them. */
export const textsOf = ({ evidence, question, sentence }: Claim): readonly [string, string] => [
  evidence,
  pairText(question, sentence),
]
