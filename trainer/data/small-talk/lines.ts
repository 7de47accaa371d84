/** Small talk as people write it, with replies that fit what was said (lines.jsonl). */
import { NOT_TOLD, NOTED } from '../../../runtime/small-talk.ts'
import { ownLines } from '../own-lines.ts'
import { peopleLines } from '../sentences/people.ts'
import { Random } from '../../random.ts'

export interface Line {
  readonly says: string
  /** One of replies.json. */
  readonly reply: string
}

/** The share of the lines that is never trained on. */
const heldOutShare = 0.12

/** The lines of the training, or those kept for the evaluation; among them what people tell and ask of themselves. Nothing is said twice. */
export function smallTalkLines(part: 'train' | 'heldout'): readonly Line[] {
  const kept = [...writtenLines('heldout'), ...ofThemselves('heldout')]
  const lines = part === 'heldout' ? kept : [...kept, ...writtenLines('train'), ...ofThemselves('train')]
  const unlike = [...new Map(lines.toReversed().map((line) => [wordsIn(line.says), line])).values()].toReversed()
  const isKept = new Set(kept)
  return part === 'heldout' ? unlike : unlike.filter((line) => !isKept.has(line))
}

function writtenLines(part: 'train' | 'heldout'): readonly Line[] {
  const lines = new Random('small talk').shuffle(ownLines<Line>('trainer/data/small-talk/lines.jsonl'))
  const kept = Math.round(heldOutShare * lines.length)
  return part === 'heldout' ? lines.slice(0, kept) : lines.slice(kept)
}

function ofThemselves(part: 'train' | 'heldout'): readonly Line[] {
  return peopleLines(part).flatMap(({ told, asks, near }) => [
    { says: told, reply: NOTED },
    ...[...asks.slice(0, 1), ...near].map((says) => ({ says, reply: NOT_TOLD })),
  ])
}

/** What is said, but for case, marks and spaces; what has no word as it is. */
export function wordsIn(says: string): string {
  const words = says
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
  return words === '' ? says : words
}

/** Returns what draws one of the training's lines, in a variation of what the user says that is none of those kept aside. */
export function smallTalkWriter(): (random: Random) => Line {
  const lines = smallTalkLines('train')
  const saidFor = new Map<string, string[]>()
  for (const { says, reply } of lines) saidFor.set(reply, [...(saidFor.get(reply) ?? []), says])
  const kept = new Set(smallTalkLines('heldout').map(({ says }) => wordsIn(says)))
  return (random) => {
    for (;;) {
      const line = random.pick(lines)
      const says = varied(random, line.says, saidFor.get(line.reply) as string[])
      if (!kept.has(wordsIn(says))) return { says, reply: line.reply }
    }
  }
}

const leads = ['hey,', 'well,', 'oh', 'so', 'ugh', 'haha', 'hm', 'and', 'btw']

/** There are few lines, so each is said in many ways; `alike` are those with the same reply. */
function varied(random: Random, says: string, alike: readonly string[]): string {
  let text = says
  if (random.chance(0.15)) text = withoutOneWord(random, text)
  if (random.chance(0.15)) text = `${ended(random.pick(alike))} ${text}`
  if (random.chance(0.1)) text = `${random.pick(leads)} ${text}`
  text = withOtherCase(random, text)
  return random.chance(0.3) ? withOtherEnd(random, text) : text
}

/** Now and then in lower case, or with a capital at the beginning. */
function withOtherCase(random: Random, text: string): string {
  if (random.chance(0.25)) return text.toLowerCase()
  const capital = random.chance(0.25)
  return capital ? text.charAt(0).toUpperCase() + text.slice(1) : text
}

/** The text with a full stop, unless it ends with a mark. */
function ended(text: string): string {
  return /\w$/.test(text) ? `${text}.` : text
}

/** People leave out words; short sayings would lose their meaning. */
function withoutOneWord(random: Random, text: string): string {
  const words = text.split(' ')
  if (words.length < 5) return text
  words.splice(random.int(words.length), 1)
  return words.join(' ')
}

/** Without its last mark, or with another one; a question stays one. */
function withOtherEnd(random: Random, text: string): string {
  const bare = text.replace(/[.!?]+$/, '')
  const marks = text.endsWith('?') ? ['', '??'] : ['', '', '.', '!', '...']
  return bare === '' ? text : bare + random.pick(marks)
}
