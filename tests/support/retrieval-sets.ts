/** Questions with the one entry that answers each, among many others: generated and hand-written. */
import { sameTopic } from '../../server/memory/facts/topic.ts'
import { drawEvent } from '../../trainer/data/notes/events.ts'
import { ask, tell } from '../../trainer/data/notes/stems.ts'
import { openTopic, topics } from '../../trainer/data/notes/topics.ts'
import { drawValue } from '../../trainer/data/notes/values.ts'
import { Random } from '../../trainer/random.ts'

export interface RetrievalSet {
  readonly name: string
  /** All entries that are searched. */
  readonly entries: readonly string[]
  readonly questions: readonly Question[]
}

export interface Question {
  readonly text: string
  /** Index of the entry that answers it. */
  readonly answer: number
  /** Entries that answer it too, of which nothing is known here: they are left out of its search. */
  readonly without: ReadonlySet<number>
}

interface Topic {
  readonly subject: string
  readonly attribute: string
}

/** A line of tests/fixtures/newcomer/told.jsonl. */
export interface NewcomerLine {
  readonly kind: string
  readonly part: 'open' | 'held-out'
  readonly messages: readonly string[]
  readonly facts?: readonly (Topic & { readonly value: string })[]
  readonly asked?: Topic
  readonly answer?: string
}

/** Wordings, values and words that no training has: `size` entries of different topics, the rest of them `filler`. */
export function generatedSet(seed: number, size: number, questions: number, filler: readonly string[]): RetrievalSet {
  const random = new Random(`retrieval ${seed} ${size}`)
  const own = new Map(topics.map((topic) => [meaningOf(topic.noun), topic]))
  while (own.size < Math.min(1000, size / 2)) {
    const topic = openTopic(random, random.chance(0.5) ? 'train' : 'heldout')
    own.set(topic.noun, topic)
  }
  const chosen = random.shuffle([...own.values()]).slice(0, Math.min(own.size, size / 2))
  const told = chosen.map((topic) => tell(random, topic, drawValue(random, topic.kind, 'heldout'), 'heldout'))
  const events = Array.from({ length: size / 10 }, () => drawEvent(random, true, 'heldout').told)
  const rest = random.shuffle([...filler]).slice(0, size - told.length - events.length)
  const asked = chosen.slice(0, questions).map((topic, answer) => ({
    text: ask(random, topic, 'heldout'),
    answer,
    without: new Set<number>(),
  }))
  const entries = [...told, ...events, ...rest]
  return { name: `generated, ${entries.length} entries`, entries, questions: asked }
}

/** People's own words: what they told, and questions for it, among all that others told and `filler`. */
export function newcomerSet(
  lines: readonly NewcomerLine[],
  part: NewcomerLine['part'],
  filler: readonly string[],
): RetrievalSet {
  const told = lines.filter(({ kind }) => kind === 'told' || kind === 'corrected' || kind === 'asked')
  const tellings = told.flatMap(({ kind, messages, facts = [], asked }) =>
    (kind === 'asked' ? messages.slice(0, -1) : messages.slice(-1)).map((text) => ({
      text,
      topics: asked ? [asked] : facts,
    })),
  )
  const entries = [...tellings.map(({ text }) => text), ...filler]
  const othersOn = (topic: Topic, answer: number): Set<number> =>
    new Set(
      tellings.flatMap(({ topics: all }, at) =>
        at !== answer && all.some((one) => sameTopic(topic, one) >= 0.5) ? [at] : [],
      ),
    )
  const questions = told.flatMap(({ part: own, kind, messages, asked, answer: value }): Question[] => {
    if (own !== part || kind !== 'asked' || asked === undefined || value === undefined) return []
    const telling = messages.slice(0, -1).findLast((message) => message.includes(value))
    const answer = entries.indexOf(telling ?? '')
    return answer < 0 ? [] : [{ text: messages.at(-1)!, answer, without: othersOn(asked, answer) }]
  })
  return { name: `newcomer, ${part}, ${entries.length} entries`, entries, questions }
}

/** A line of tests/fixtures/newcomer/people.jsonl. */
export interface PeopleLine {
  readonly kind: string
  readonly tells?: readonly string[]
  readonly asks?: string
  readonly value?: string
}

/** What people told who knew no rule, and their questions: of the odd lines (A) or the even ones (B), among all and `filler`. */
export function peopleSet(lines: readonly PeopleLine[], part: 'A' | 'B', filler: readonly string[]): RetrievalSet {
  const entries = [...lines.flatMap(({ tells = [] }) => tells), ...filler]
  const chosen = lines.filter((_, at) => (at % 2 === 0) === (part === 'A'))
  const questions = chosen.flatMap(({ kind, tells = [], asks = '', value = '' }): Question[] => {
    if (kind !== 'told' && kind !== 'corrected') return []
    const telling = tells.findLast((text) => text.toLowerCase().includes(value.toLowerCase()))
    return telling === undefined ? [] : [{ text: asks, answer: entries.indexOf(telling), without: new Set() }]
  })
  return { name: `people ${part}, ${entries.length} entries`, entries, questions }
}

/** Words for one person or thing: what is told of the one is told of the other. */
function meaningOf(noun: string): string {
  return noun
    .replace(/^mother's/, "mom's")
    .replace(/^father's/, "dad's")
    .replace(/^(?:wife|husband|girlfriend|boyfriend)'s/, "partner's")
}
