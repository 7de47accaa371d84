/** "Legal made us drop the name. It's lizard-hal now.": a sentence that says only that something is over is quoted with the next one. */
import type { Memory } from '../../store/memory-calls.ts'
import { holds } from './holds.ts'
import { leans } from './leaning.ts'
import type { Question } from './question.ts'
import { IS_NOW, MADE_OTHER, VERB } from './replacement-words.ts'
import { CHANGE } from '../facts/follow-ups.ts'
import { hasNewValue } from './held-part.ts'

/** What was is no more, and nothing is said of what is instead. */
const OVER =
  /\b(?:stop(?:ped|s)|drop(?:ped)?|lost|broken?|died|dead|called (?:it )?off|gone|quit|left|gave up|given up|packed (?:it )?in|any ?more|no more|history|sold|binned|retired|split up|broke up|finished|moved on|fell through|expired|changed|cancelled|over)\b/iu

/** What its turn says after a sentence and still holds; undefined: nothing. */
export function sentenceAfter(turn: readonly Memory[], text: string): string | undefined {
  const sentences = [...new Set(turn.filter(({ ended }) => ended === null).map((one) => one.text))]
  return sentences.includes(text) ? sentences[sentences.indexOf(text) + 1] : undefined
}

/** The sentence, and the one after it of the same turn where it needs that. */
export function withNext(question: Question, turn: readonly Memory[], text: string): string[] {
  const next = sentenceAfter(turn, text)
  if (next === undefined || !isOpen(question, text)) return [text]
  const goesOn = leans(next) || !VERB.test(next) || IS_NOW.test(next) || CHANGE.test(next) || MADE_OTHER.test(next)
  const { wanted, known } = question
  const isAnswer = wanted === null ? hasNewValue(`- ${next}`, text) : holds(wanted, next, known)
  return goesOn && isAnswer ? [text, next] : [text]
}

/** Whether a sentence leaves open what is asked. */
function isOpen({ wanted, known }: Question, text: string): boolean {
  return wanted === null ? OVER.test(text) : !holds(wanted, text, known) || OVER.test(text)
}
