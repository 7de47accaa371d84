import type { Sentence } from './fact.ts'
import { nounWords } from './noun-phrase.ts'
import { add, type Clause, type Reading } from './reading.ts'
import { isBeing, singular } from './vocabulary.ts'

const NAME = "(?<value>(?!I\\b|I')\\p{Lu}[\\p{L}\\p{M}'-]{0,30}(?:\\s\\p{Lu}[\\p{L}\\p{M}'-]{0,30}){0,2})"
const BESIDE = new RegExp(
  `(?:^|\\s)(?:[Mm]y|[Oo]ur|[Aa]n?)\\s(?<np>(?:[\\p{Ll}-]{2,20}\\s){0,2}[\\p{Ll}-]{2,20}),?\\s(?:(?:who is |who's |which is )?(?:called|named)\\s)?${NAME}(?=[\\s,.!;)]|$)`,
  'gu',
)
const CALLED = new RegExp(
  `\\b(?:own|have|got|adopted|bought|keep|built|'ve)\\s(?:an?|the|this)\\s(?<np>(?:[\\p{Ll}-]{2,20}\\s){0,2}[\\p{Ll}-]{2,20}),?\\s(?:called|named)\\s${NAME}(?=[\\s,.!;)]|$)`,
  'gu',
)
const BEFORE = new RegExp(`^${NAME}, (?:my|our)\\s(?<np>(?:[\\p{Ll}-]{2,20}\\s){0,2}[\\p{Ll}-]{2,20}),\\s`, 'gu')
const NO_NAME =
  /^(?:January|February|March|April|May|June|July|August|September|October|November|December|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|English|French|German|Spanish|Polish)\b/u
const MAX_NAMES = 6

/** Names that stand beside somebody wherever in the sentence: "I live with my boyfriend Teun", "an older sister, Beatriz". */
export function readNames(reading: Reading, sentence: Sentence, clause: Omit<Clause, 'words' | 'end' | 'start'>): void {
  const words = reading.plain.slice(sentence.start, sentence.end)
  for (const pattern of [BESIDE, BEFORE, CALLED]) {
    let count = 0
    for (const match of words.matchAll(pattern)) {
      const [phrase, name] = [match.groups?.['np'] ?? '', (match.groups?.['value'] ?? '').replace(/'s$/u, '')]
      if ((count += 1) > MAX_NAMES) break
      const subject = nounWords(phrase).map(singular).join(' ')
      if (NO_NAME.test(name) || subject === '' || (pattern !== CALLED && !isBeing(subject.split(' ').at(-1) ?? '')))
        continue
      if (reading.facts.some((fact) => fact.value === name && fact.attribute === 'name')) continue
      const isNew = /\bnew\b/u.test(phrase)
      const whole = { ...clause, start: sentence.start, end: sentence.end, words }
      add(reading, whole, { subject, attribute: 'name' }, name, isNew ? 'corrected' : 'told', 0.8)
      reading.focus ??= subject
    }
  }
}
