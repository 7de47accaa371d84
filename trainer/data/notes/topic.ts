/** A topic: one thing that can be told, asked and corrected. */
import type { Kind, Part } from './values.ts'

/** Wordings of training, and those that only the evaluation has. */
export interface Stems {
  readonly seen: readonly string[]
  readonly unseen: readonly string[]
}

export interface Topic {
  /** What stands after "my": "home town", "sister's birthday". */
  readonly noun: string
  readonly kind: Kind
  /** With `{v}` for the value, without the dot at the end. */
  readonly tells: Stems
  readonly asks: Stems
  /** The answer. */
  readonly says: string
  /** What stands after "You have not told me". */
  readonly untold: string
  /** Topics of one theme are asked apart, though they sound alike. */
  readonly theme: string
  readonly part: Part
  /** How often a wording of its own is taken, where there is one. */
  readonly own: number
}

/** `a|b||c`: a and b are seen, c is kept for the evaluation. */
function stems(text: string): Stems {
  const [seen = '', unseen = ''] = text.split('||')
  const list = (part: string): string[] => (part === '' ? [] : part.split('|').map((one) => one.trim()))
  return { seen: list(seen), unseen: list(unseen) }
}

/** Wordings are `a|b||c`, as in `stems`; without `says`, `untold` the plain sentences of the noun are taken. */
export function topic(
  noun: string,
  kind: Kind,
  tells = '',
  asks = '',
  says = '',
  untold = '',
  part: Part = 'train',
): Topic {
  return {
    noun,
    kind,
    tells: stems(tells),
    asks: stems(asks),
    says: says === '' ? `Your ${noun} is {v}.` : says,
    untold: untold === '' ? `your ${noun}` : untold,
    theme: noun.split(' ').at(-1)!,
    part,
    own: 0.7,
  }
}

/** Words for one person; what is told of the one is told of the other. */
const synonyms: readonly (readonly [RegExp, string])[] = [
  [/^mother's/, "mom's"],
  [/^father's/, "dad's"],
  [/^(wife|husband|girlfriend|boyfriend)'s/, "partner's"],
]

/** The topic's noun, the same one for topics that mean the same. */
export const meaningOf = ({ noun }: Topic): string =>
  synonyms.reduce((text, [word, same]) => text.replace(word, same), noun)
