/**
 * Vectors of single words, for comparing a question with what was told word by word: a published sentence encoder's vectors of
 * the words of its vocabulary (Tulkens & van Dongen 2024, Model2Vec), along their principal axes, of length one, in 8 bits.
 *   npx tsx trainer/embedder/word-vectors.ts TEACHER OUT [FILE...] [--width 64]
 * TEACHER is a bundle of the encoder (`mneme import`). Each FILE has further words, of which no other form is among those
 * before. OUT gets words.txt, one word a line, the commonest first, and vectors.i8, their vectors in that order.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadBundle } from '../../runtime/bundle.ts'
import { openEmbedder, type Embedder } from '../../runtime/embedder.ts'
import { readTokenizerFiles } from '../../runtime/tokenizer-files.ts'
import { meanOf, principalAxes, projected } from './principal-axes.ts'
import { smallerTokenizer } from './smaller-vocabulary.ts'

/** Texts of one call of the teacher. */
const CALL = 512
/** The largest number of a signed byte. */
const LARGEST = 127

async function writeWordVectors(teacher: string, out: string, files: readonly string[], width: number): Promise<void> {
  const bundle = await loadBundle(teacher)
  const embedder = await openEmbedder(bundle)
  const { tokens } = smallerTokenizer(readTokenizerFiles(bundle.dir), Infinity)
  const words = withFurther(tokens.filter(isWord), (await Promise.all(files.map(wordsIn))).flat())
  const vectors = await embedAll(embedder, words)
  embedder.close()
  const mean = meanOf(vectors)
  const axes = principalAxes(vectors, mean, width)
  const bytes = new Int8Array(words.length * width)
  for (const [at, vector] of vectors.entries()) bytes.set(quantized(projected(vector, mean, axes)), at * width)
  await mkdir(out, { recursive: true })
  await writeFile(join(out, 'words.txt'), `${words.join('\n')}\n`)
  await writeFile(join(out, 'vectors.i8'), bytes)
}

const isWord = (text: string): boolean => /^[a-z]{2,}$/u.test(text)

async function wordsIn(file: string): Promise<string[]> {
  return (await readFile(file, 'utf8')).split(/\s+/u).filter(isWord)
}

/** With further words that are no form of one before: "lockers" adds nothing to "locker". */
function withFurther(words: readonly string[], further: readonly string[]): string[] {
  const known = new Set([...words, ...further])
  const isForm = (word: string): boolean => {
    const root = /^(?<root>.{3,}?)(?:e?s|i?ed|d|ing|ly|er|ers)$/u.exec(word)?.groups?.['root']
    return root !== undefined && [root, `${root}e`, `${root}y`, root.slice(0, -1)].some((one) => known.has(one))
  }
  return [...new Set([...words, ...further.filter((word) => !isForm(word))])]
}

async function embedAll(embedder: Embedder, texts: readonly string[]): Promise<Float32Array[]> {
  const vectors: Float32Array[] = []
  for (let from = 0; from < texts.length; from += CALL) {
    vectors.push(...(await embedder.embed(texts.slice(from, from + CALL).map((text) => embedder.encode(text)))))
    process.stderr.write(`\r${vectors.length} of ${texts.length} words`)
  }
  process.stderr.write('\n')
  return vectors
}

/** Only the direction counts, so each vector's largest number is the largest byte. */
function quantized(vector: Float32Array): Int8Array {
  const most = Math.max(...vector.map(Math.abs))
  return Int8Array.from(vector, (x) => Math.round((x / most) * LARGEST))
}

if (import.meta.filename === process.argv[1]) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { width: { type: 'string', default: '64' } },
  })
  const [teacher, out, ...files] = positionals
  if (teacher === undefined || out === undefined)
    throw new Error('expected the bundle of a sentence encoder and a folder to write to')
  await writeWordVectors(teacher, out, files, Number(values.width))
}
