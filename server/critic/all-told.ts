/** "What do you know about me?" is answered by what was told last. */
import { quoted, unique, type Decision } from './policy.ts'
import type { KnownFact } from './verdict.ts'

const ASKS_FOR_ALL =
  /^\W*(?:(?:so|and|ok|okay|hey|hi|hello|well|please|can you|could you|now)[\s,]+)*(?:tell me )?(?:what|everything|all)(?: that)? (?:(?:do|did|can|could) )?(?:you|u) (?:already |still |now )?(?:know|remember|recall|have on record)(?: (?:about|of) (?:me|us|my life))?(?: so far| already| now)?\W*$|^\W*(?:so[\s,]+)?what (?:have i told|did i tell) (?:you|u)(?: about (?:me|myself))?(?: so far| already)?\W*$/iu
/** Sentences that are quoted. */
const MOST = 6

/** The last sentences with a fact that holds, first told first; null: something else is asked. */
export function allTold(message: string, facts: readonly KnownFact[], mayMiss: boolean): Decision | null {
  if (!ASKS_FOR_ALL.test(message)) return null
  const holding = facts.filter(({ holds }) => holds)
  const last = unique(holding).slice(-MOST)
  if (last.length === 0) return mayMiss ? null : { action: 'replace', text: NOTHING, facts: [] }
  const isQuoted = (fact: KnownFact): boolean => last.some(({ text }) => text === fact.text)
  return {
    action: 'replace',
    text: `You told me: ${quoted(last)}`,
    facts: holding.filter(isQuoted).map(({ id }) => id),
  }
}

const NOTHING = 'You have not told me anything about yourself yet.'
