/** What single words mean: vectors of 42,000 English words (trainer/embedder/word-vectors.ts), read when the first is asked for. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../../runtime/package.ts'
import { stem } from '../search-words.ts'

const FOLDER = join(packageRoot(), 'models/pretrained/words')

interface Table {
  /** The place of a word, and of the commonest word of a stem. */
  readonly places: ReadonlyMap<string, number>
  readonly stems: ReadonlyMap<string, number>
  readonly vectors: Int8Array
  readonly lengths: Float64Array
  readonly width: number
}

let table: Table | undefined

/** Cosine of the meanings of two words in lower case; 0 where one is not known. */
export function meaningOf(one: string, other: string): number {
  const { vectors, lengths, width } = (table ??= readTable())
  const [a, b] = [placeOf(one), placeOf(other)]
  if (a === undefined || b === undefined) return 0
  let sum = 0
  for (let i = 0; i < width; i++) sum += vectors[a * width + i]! * vectors[b * width + i]!
  return sum / (lengths[a]! * lengths[b]!)
}

/** 0 to 1: how rare a word is, by its place among all, the commonest first (Zipf). Unknown words are names and values: 1. */
export function rarityOf(word: string): number {
  const { places } = (table ??= readTable())
  const place = placeOf(word)
  return place === undefined ? 1 : Math.log(1 + place) / Math.log(1 + places.size)
}

/** Whether a word, or another form of it, is among them. */
export function isKnownWord(word: string): boolean {
  return placeOf(word) !== undefined
}

function placeOf(word: string): number | undefined {
  const { places, stems } = (table ??= readTable())
  return places.get(word) ?? stems.get(stem(word))
}

function readTable(): Table {
  const words = readFileSync(join(FOLDER, 'words.txt'), 'utf8').trimEnd().split('\n')
  const bytes = readFileSync(join(FOLDER, 'vectors.i8'))
  const vectors = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  const width = vectors.length / words.length
  const lengths = Float64Array.from(words, (_, at) => Math.hypot(...vectors.subarray(at * width, (at + 1) * width)))
  const places = new Map(words.map((word, at) => [word, at]))
  const stems = new Map<string, number>()
  for (const [at, word] of words.entries()) if (!stems.has(stem(word))) stems.set(stem(word), at)
  return { places, stems, vectors, lengths, width }
}
