/** The texts of which a teacher's vectors are learned: generated tellings and questions, and sentences of files. */
import { readFile } from 'node:fs/promises'
import { drawEvent } from '../data/notes/events.ts'
import { unrelated } from '../data/notes/irrelevant.ts'
import { plainPrompts } from '../data/notes/plain.ts'
import { ask, askWhether, correct, tell } from '../data/notes/stems.ts'
import { drawTopic } from '../data/notes/draw-fact.ts'
import { drawValue } from '../data/notes/values.ts'
import type { Random } from '../random.ts'

/** Words of a sentence that is taken from a file. */
const [FEWEST_WORDS, MOST_WORDS] = [4, 24]

/** A sentence that a user of an assistant may write. */
export function drawText(random: Random): string {
  const event = (): string => {
    const { told, question } = drawEvent(random, true, 'train')
    return random.chance(0.6) ? told : question
  }
  if (random.chance(0.15)) return event()
  if (random.chance(0.1)) return random.chance(0.9) ? random.pick(plainPrompts) : unrelated(random)
  const topic = drawTopic(random, 'train')
  const draw = (): string => drawValue(random, topic.kind, 'train')
  if (random.chance(0.35)) return ask(random, topic, 'train')
  if (random.chance(0.05)) return askWhether(random, topic, draw())
  return random.chance(0.12) ? correct(random, topic, draw(), draw(), 'train') : tell(random, topic, draw(), 'train')
}

/** How many words of a text are replaced. */
const REPLACED = 0.3

/** A text some of whose words are words of another (data augmentation of TinyBERT, Jiao et al. 2020, arXiv 1909.10351). */
export function mixedText(random: Random, text: string, other: string): string {
  const words = other.split(' ')
  const mixed = text.split(' ').map((word) => (random.chance(REPLACED) ? random.pick(words) : word))
  return mixed.join(' ')
}

/** The sentences of a file, each once: of the questions in lines of JSON, or of plain text. */
export async function sentencesOf(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8')
  const whole = file.endsWith('.jsonl') ? text.trim().split('\n').map(questionIn).join(' ') : text
  const sentences = whole.split(/(?<=[.!?])["”]?\s+/u).map((one) => one.replaceAll(/\s+/gu, ' ').trim())
  return [...new Set(sentences)].filter((one) => {
    const words = one.split(' ').length
    return words >= FEWEST_WORDS && words <= MOST_WORDS
  })
}

function questionIn(line: string): string {
  const { question } = JSON.parse(line) as { question?: unknown }
  if (typeof question !== 'string') throw new TypeError('expected lines with a field question')
  return question
}
