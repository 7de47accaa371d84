/** Small talk as people write it, with replies that fit what was said (small-talk.jsonl). */
import { ownLines } from '../own-lines.ts'
import { Random } from '../../random.ts'
import type { SmallTalk } from './filler.ts'

/** The share of the lines that is never trained on. */
const heldOutShare = 0.12

/** The lines of the training, or those kept for the evaluation. */
export function writtenLines(part: 'train' | 'heldout'): readonly SmallTalk[] {
  const lines = new Random('small talk').shuffle(readLines())
  const kept = Math.round(heldOutShare * lines.length)
  return part === 'heldout' ? lines.slice(0, kept) : lines.slice(kept)
}

/** Returns what draws one of the training's lines, in a variation of what the user says. */
export function smallTalkWriter(): (random: Random) => SmallTalk {
  const lines = writtenLines('train')
  const saidFor = new Map<string, string[]>()
  for (const { user, reply } of lines) saidFor.set(reply, [...(saidFor.get(reply) ?? []), user])
  return (random) => {
    const { user, reply } = random.pick(lines)
    return { user: varied(random, user, saidFor.get(reply) as string[]), reply }
  }
}

function readLines(): SmallTalk[] {
  const lines = ownLines<{ readonly says: string; readonly reply: string }>('trainer/data/keeper/small-talk.jsonl')
  return lines.map(({ says, reply }) => ({ user: says, reply }))
}

const leads = ['hey,', 'well,', 'oh', 'so', 'ugh', 'haha', 'hm', 'and', 'btw']

/** There are few lines, so each is said in many ways; `alike` are those with the same reply. */
function varied(random: Random, user: string, alike: readonly string[]): string {
  let text = user
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
