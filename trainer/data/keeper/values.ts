/** The open sets from which facts take their values, and the part of each that training never shows. */
import { hashText, type Random } from '../../random.ts'
import * as words from './words.ts'

/** What a value is; facts of one kind can be mistaken for each other, which is what a guess is measured against. */
export type Kind =
  | 'person'
  | 'place'
  | 'company'
  | 'number'
  | 'code'
  | 'date'
  | 'clock'
  | 'thing'
  | 'animal'
  | 'food'
  | 'shade'
  | 'phrase'

/** Which part of a set: `train` (about nine tenths) or `heldout`. */
export type Split = 'train' | 'heldout'

/** Whether training may show a value; decided by a hash, so it needs no list. */
export function splitOf(kind: Kind, value: string): Split {
  return hashText(`${kind}:${value}`) % 10 === 0 ? 'heldout' : 'train'
}

/** A value of a kind from the wanted part of its set; begins and ends with a letter or a digit. */
export function drawValue(random: Random, kind: Kind, split: Split): string {
  for (;;) {
    const value = makers[kind](random)
    if (splitOf(kind, value) === split) return value
  }
}

/** About how many values a kind has: 1 / this is what a blind guess gets right. */
export function setSize(kind: Kind): number {
  return sizes[kind]
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const codeShapes = ['A1-AA1', 'AA111', 'A111', '1A-11', 'AA-11'] as const
const consonants = 'bcdfghjklmnprstvwxz'
const vowels = 'aeiou'

const makers: Record<Kind, (random: Random) => string> = {
  person(random) {
    const kind = random.uniform()
    if (kind < 0.12) return random.pick(words.givenNames)
    if (kind < 0.2) return `${random.pick(words.givenNames)} ${invented(random, words.personEndings)}`
    return kind < 0.33 ? spelled(random) : invented(random, words.personEndings)
  },
  place(random) {
    const kind = random.uniform()
    if (kind < 0.12) return random.pick(words.realTowns)
    return kind < 0.24 ? spelled(random) : invented(random, words.placeEndings)
  },
  company: (random) => `${invented(random, words.personEndings)} ${random.pick(words.companyEndings)}`,
  number(random) {
    const digits = random.pick([2, 3, 3, 3, 3, 4, 4, 4, 4, 5])
    return String(random.between(10 ** (digits - 1), 10 ** digits - 1))
  },
  code: (random) =>
    random
      .pick(codeShapes)
      .replace(/[A1]/g, (sign) => (sign === 'A' ? (letters[random.int(26)] as string) : String(random.int(10)))),
  date: (random) => `${random.pick(words.months)} ${random.between(1, 28)}`,
  clock: (random) => `${random.between(1, 23)}:${String(random.int(60)).padStart(2, '0')}`,
  thing: (random) => described(random, words.adjectives, words.things),
  animal: (random) => described(random, words.adjectives, words.animals),
  food: (random) => described(random, words.flavors, words.foods),
  shade: (random) => described(random, words.tones, words.colors),
  phrase: (random) => `${random.pick(words.things)} ${random.pick(words.animals)} ${random.int(10)}`,
}

const inventedCount = words.firstSyllables.length * words.middleSyllables.length
const sizes: Record<Kind, number> = {
  person: inventedCount * words.personEndings.length,
  place: inventedCount * words.placeEndings.length,
  company: inventedCount * words.personEndings.length * words.companyEndings.length,
  number: 99_990,
  code: 26 ** 3 * 100,
  date: 336,
  clock: 23 * 60,
  thing: words.adjectives.length * words.things.length,
  animal: words.adjectives.length * words.animals.length,
  food: words.flavors.length * words.foods.length,
  shade: words.tones.length * words.colors.length,
  phrase: words.things.length * words.animals.length * 10,
}

/** A word, mostly with another one that describes it. */
function described(random: Random, before: readonly string[], nouns: readonly string[]): string {
  const noun = random.pick(nouns)
  return random.chance(0.3) ? noun : `${random.pick(before)} ${noun}`
}

/** A name of two to four syllables. */
function invented(random: Random, endings: readonly string[]): string {
  const middles = random.pick([0, 1, 1, 1, 2])
  let name = random.pick(words.firstSyllables)
  for (let i = 0; i < middles; i++) name += random.pick(words.middleSyllables)
  return name + random.pick(endings)
}

/** A name spelled letter by letter, so that a model learns to copy any letters and not only known syllables. */
function spelled(random: Random): string {
  let name = ''
  for (let i = random.between(2, 3); i > 0; i--) name += letterOf(random, consonants) + letterOf(random, vowels)
  if (random.chance(0.5)) name += letterOf(random, consonants)
  return (name[0] as string).toUpperCase() + name.slice(1)
}

function letterOf(random: Random, alphabet: string): string {
  return alphabet[random.int(alphabet.length)] as string
}
