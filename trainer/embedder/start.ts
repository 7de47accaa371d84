/**
 * What the bundled embedder is made of: a published sentence encoder's tokenizer with fewer tokens, its vectors of those
 * tokens to start from (Tulkens & van Dongen 2024, Model2Vec), and its vectors of many texts to learn (Reimers & Gurevych
 * 2020, arXiv 2004.09813), all in fewer dimensions.
 *   npx tsx trainer/embedder/start.ts TEACHER OUT [FILE...] [--tokens 16000] [--width 128] [--texts 24000]
 * TEACHER is a bundle of the encoder (`mneme import`). OUT gets tokenizer.json, tokenizer_config.json, start.safetensors,
 * texts.json and vectors.safetensors. People's own words (trainer/data/sentences) are among the
 * texts; `--texts` are generated, and of each FILE as many sentences are taken at most.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadBundle } from '../../runtime/bundle.ts'
import { openEmbedder, type Embedder } from '../../runtime/embedder.ts'
import { createTensor, type Tensor } from '../../runtime/tensor.ts'
import { openSentenceTokenizer } from '../../runtime/sentence-tokenizer.ts'
import { readTokenizerFiles } from '../../runtime/tokenizer-files.ts'
import { writeText } from '../files.ts'
import { Random } from '../random.ts'
import { encodeSafetensors } from '../safetensors.ts'
import { dot, meanOf, principalAxes, projected } from './principal-axes.ts'
import { smallerTokenizer } from './smaller-vocabulary.ts'
import { spokenTexts, spokenTokens } from './spoken-tokens.ts'
import { drawText, mixedText, sentencesOf } from './texts.ts'

/** Texts of one call of the teacher. */
const CALL = 512
/** How much common words count less: a / (a + p), p their share of all tokens (Arora et al. 2017, SIF). */
const SMOOTHING = 1e-3
/** Texts that are made of each of people's texts by putting words of others into it. */
const MIXED = 3

interface StartOptions {
  readonly teacher: string
  readonly out: string
  readonly files: readonly string[]
  readonly tokens: number
  readonly width: number
  readonly texts: number
}

/** Writes what a run of the recipe `embedder` reads. */
export async function writeStart({ teacher, out, files, tokens, width, texts: count }: StartOptions): Promise<void> {
  const bundle = await loadBundle(teacher)
  const embedder = await openEmbedder(bundle, { threads: 1 })
  const published = readTokenizerFiles(bundle.dir)
  const spoken = await spokenTokens(embedder, published)
  const small = smallerTokenizer(published, tokens, { isNeeded: (token) => spoken.has(token) })
  const texts = await textsOf(files, count)
  const vectors = await embedAll(embedder, texts)
  const words = await embedAll(
    embedder,
    small.tokens.map((token) => token.replace(/^##/, '')),
  )
  embedder.close()
  const mean = meanOf(vectors)
  const axes = principalAxes(vectors, mean, width)
  const taught = vectors.map((vector) => unit(projected(vector, mean, axes)))
  await mkdir(out, { recursive: true })
  const save = (file: string, name: string, rows: readonly Float32Array[]): Promise<void> =>
    writeFile(join(out, file), encodeSafetensors({ [name]: table(rows) }))
  await writeText(join(out, 'tokenizer.json'), `${JSON.stringify(small.files.tokenizer)}\n`)
  await writeText(join(out, 'tokenizer_config.json'), `${JSON.stringify(small.files.config)}\n`)
  await writeText(join(out, 'texts.json'), `${JSON.stringify(texts)}\n`)
  await save('vectors.safetensors', 'vectors', taught)
  const weights = rarity(out, texts, small.tokens.length)
  const scale = Math.sqrt(width) // so that the numbers of rare tokens are about 1
  const start = words.map((word, id) => unit(projected(word, mean, axes)).map((x) => x * weights[id]! * scale))
  await save('start.safetensors', 'embed_tokens.weight', start)
}

/** Generated texts, people's with and without words of others, and sentences of files, each once, in random order. */
async function textsOf(files: readonly string[], count: number): Promise<string[]> {
  const random = new Random('texts of the embedder')
  const all = new Set<string>()
  while (all.size < count) all.add(drawText(random))
  const spoken = spokenTexts()
  for (const text of spoken) {
    all.add(text)
    for (let i = 0; i < MIXED; i++) all.add(mixedText(random, text, random.pick(spoken)))
  }
  for (const file of files) for (const one of random.shuffle(await sentencesOf(file)).slice(0, count)) all.add(one)
  return random.shuffle([...all])
}

async function embedAll(embedder: Embedder, texts: readonly string[]): Promise<Float32Array[]> {
  const vectors: Float32Array[] = []
  for (let from = 0; from < texts.length; from += CALL) {
    vectors.push(...(await embedder.embed(texts.slice(from, from + CALL).map((text) => embedder.encode(text)))))
    process.stderr.write(`\r${vectors.length} of ${texts.length} texts`)
  }
  process.stderr.write('\n')
  return vectors
}

/** A weight for each token by its share of all tokens of the texts. */
function rarity(folder: string, texts: readonly string[], tokens: number): Float32Array {
  const counts = new Float32Array(tokens)
  const tokenizer = openSentenceTokenizer(folder, 4096)
  let all = 0
  for (const text of texts)
    for (const id of tokenizer.encode(text).ids) {
      counts[id]! += 1
      all += 1
    }
  return counts.map((count) => SMOOTHING / (SMOOTHING + count / all))
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.sqrt(dot(vector, vector))
  return vector.map((x) => x / length)
}

function table(rows: readonly Float32Array[]): Tensor {
  const width = rows[0]!.length
  const tensor = createTensor('float32', [rows.length, width])
  for (const [at, row] of rows.entries()) tensor.data.set(row, at * width)
  return tensor
}

if (import.meta.filename === process.argv[1]) {
  const option = (value: string) => ({ type: 'string', default: value }) as const
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { tokens: option('16000'), width: option('128'), texts: option('24000') },
  })
  const [teacher, out, ...files] = positionals
  if (teacher === undefined || out === undefined)
    throw new Error('expected the bundle of a sentence encoder and a folder to write to')
  const { tokens, width, texts } = values
  await writeStart({ teacher, out, files, tokens: Number(tokens), width: Number(width), texts: Number(texts) })
}
