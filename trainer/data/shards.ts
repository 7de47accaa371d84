/** Token shards: folders of little-endian ids that were tokenized once, with an index. */
import { createHash } from 'node:crypto'
import { type FileHandle, mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TextCodec } from '../../runtime/text.ts'
import { parseJson } from '../files.ts'
import { DataError } from './batch.ts'
import { type ByteSource, chunksOf, fileSource } from './byte-source.ts'
import type { ReportProgress } from './progress.ts'
import type { Piece, TokenFile } from './token-file.ts'

/** index.json of a shard folder. */
export interface ShardIndex {
  readonly format: 'mneme-shards'
  readonly version: 1
  readonly dtype: 'uint16' | 'uint32'
  readonly vocab: number
  /** The sha256 of the tokenizer.json that the ids are of; absent in shards of earlier versions. */
  readonly tokenizer?: string
  readonly tokens: number
  /** Each with a file of its tokens and one of uint32 places where documents begin. */
  readonly shards: readonly {
    readonly file: string
    readonly starts: string
    readonly tokens: number
    readonly sha256: string
  }[]
}

export interface ShardWriter {
  /** Adds a piece; `begins` says that a document begins with it. */
  add(ids: ArrayLike<number>, begins: boolean): Promise<void>
  /** Writes what is left and the index. */
  close(): Promise<ShardIndex>
}

const indexFile = 'index.json'
const format = 'mneme-shards'

/** Tokens of a piece that is read at once. */
const pieceTokens = 16_384

export interface ShardOptions {
  readonly codec: TextCodec
  /** The folder of the codec's tokenizer. */
  readonly tokenizer?: string
  readonly progress?: ReportProgress
}

/**
 * Opens a folder of shards, or gives undefined for anything else. Throws DataError where they are of another tokenizer,
 * or not what their hashes say.
 */
export async function openShards(
  folder: string,
  { codec, tokenizer, progress }: ShardOptions,
): Promise<{ files: TokenFile[]; notes: string[] } | undefined> {
  const path = join(folder, indexFile)
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const index = parseJson(text, path) as ShardIndex
  if (index.format !== format || index.version !== 1)
    throw new DataError(`${path}: expected mneme-shards of version 1, got ${text.slice(0, 60)}`)
  if (index.vocab !== codec.vocabSize)
    throw new DataError(
      `${folder}: expected tokens of a vocabulary of ${codec.vocabSize}, got one of ${index.vocab}; ` +
        'take the tokenizer that made them: --set tokenizer.kind=folder --set tokenizer.folder=FOLDER',
    )
  if (index.tokenizer !== undefined && tokenizer !== undefined)
    await compareTokenizer(folder, index.tokenizer, tokenizer)
  const unknown = index.tokenizer === undefined && tokenizer !== undefined
  const notes = unknown
    ? [`${folder}: does not say of which tokenizer it is; write it again to have that compared`]
    : []
  const files: TokenFile[] = []
  for (const [i, shard] of index.shards.entries()) {
    progress?.('checking shards', i, index.shards.length)
    files.push(await openShard(folder, index, shard))
  }
  return { files, notes }
}

/** The sha256 of a folder's tokenizer.json. */
async function tokenizerHash(folder: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(join(folder, 'tokenizer.json')))
    .digest('hex')
}

async function compareTokenizer(shards: string, expected: string, folder: string): Promise<void> {
  const got = await tokenizerHash(folder)
  if (got !== expected)
    throw new DataError(
      `${shards}: was written with another tokenizer (sha256 ${expected.slice(0, 12)}) than that of the run (${got.slice(0, 12)}); ` +
        'train with --set tokenizer.kind=folder --set tokenizer.folder=FOLDER, the one given to mneme tokenize',
    )
}

/** What the tokens of shards are. */
export interface ShardTokens {
  readonly vocab: number
  /** The sha256 of the tokenizer.json. */
  readonly tokenizer: string
}

/** Writes shards of `shardTokens` tokens at most into a folder. */
export async function createShardWriter(
  folder: string,
  { vocab, tokenizer }: ShardTokens,
  shardTokens = 2 ** 27,
): Promise<ShardWriter> {
  await mkdir(folder, { recursive: true })
  const dtype = vocab <= 2 ** 16 ? 'uint16' : 'uint32'
  const shards: ShardIndex['shards'][number][] = []
  let shard: OpenShard | undefined
  return {
    async add(ids, begins) {
      if (shard !== undefined && shard.tokens + ids.length > shardTokens) {
        shards.push(await closeShard(folder, shard))
        shard = undefined
      }
      shard ??= await startShard(folder, shards.length)
      if (begins || shard.tokens === 0) shard.starts.push(shard.tokens)
      const bytes = packed(ids, dtype)
      shard.hash.update(bytes)
      await shard.handle.writeFile(bytes)
      shard.tokens += ids.length
    },
    async close() {
      if (shard !== undefined) shards.push(await closeShard(folder, shard))
      const tokens = shards.reduce((sum, { tokens }) => sum + tokens, 0)
      const index: ShardIndex = { format, version: 1, dtype, vocab, tokenizer, tokens, shards }
      await writeFile(join(folder, indexFile), `${JSON.stringify(index, null, 2)}\n`)
      return index
    },
  }
}

interface OpenShard {
  readonly file: string
  readonly handle: FileHandle
  readonly hash: ReturnType<typeof createHash>
  readonly starts: number[]
  tokens: number
}

async function startShard(folder: string, number: number): Promise<OpenShard> {
  const file = `shard-${String(number).padStart(5, '0')}.bin`
  return { file, handle: await open(join(folder, file), 'w'), hash: createHash('sha256'), starts: [], tokens: 0 }
}

async function closeShard(folder: string, shard: OpenShard): Promise<ShardIndex['shards'][number]> {
  await shard.handle.close()
  const starts = shard.file.replace('.bin', '.starts')
  await writeFile(join(folder, starts), packed(shard.starts, 'uint32'))
  return { file: shard.file, starts, tokens: shard.tokens, sha256: shard.hash.digest('hex') }
}

async function openShard(
  folder: string,
  { dtype, vocab }: ShardIndex,
  shard: ShardIndex['shards'][number],
): Promise<TokenFile> {
  const source = await fileSource(join(folder, shard.file))
  const { name, size } = source
  const width = dtype === 'uint16' ? 2 : 4
  if (size !== shard.tokens * width) throw new DataError(`${name}: expected ${shard.tokens * width} bytes, got ${size}`)
  await checkHash(source, shard.sha256)
  const startsFile = await fileSource(join(folder, shard.starts))
  const starts = unpacked(await startsFile.read(0, startsFile.size), 'uint32')

  async function read(from: number, to: number): Promise<Piece> {
    const end = starts[firstAfter(starts, from)] ?? shard.tokens
    const next = Math.min(from + pieceTokens, end, to)
    const bytes = await source.read(from * width, (next - from) * width)
    const ids = unpacked(bytes, dtype)
    const wrong = ids.findIndex((id) => id >= vocab)
    if (wrong !== -1)
      throw new DataError(`${name}: expected ids below ${vocab}, got ${ids[wrong]} at token ${from + wrong}`)
    return { ids, bytes, bytesOf: (tokens) => tokens * width, next, ends: next === end || next === to }
  }

  return {
    name,
    size: shard.tokens,
    unit: 'tokens',
    align: (place) => Promise.resolve(place),
    read,
    chunks: (from, to) => chunksOf(source, from * width, to * width),
  }
}

async function checkHash(source: ByteSource, expected: string): Promise<void> {
  const hash = createHash('sha256')
  for await (const chunk of chunksOf(source)) hash.update(chunk)
  const got = hash.digest('hex')
  if (got !== expected)
    throw new DataError(
      `${source.name}: expected sha256 ${expected.slice(0, 12)}, got ${got.slice(0, 12)}: the shard was changed or cut`,
    )
}

/** The index of the first start beyond a place (bisection; the starts rise). */
function firstAfter(starts: ArrayLike<number>, place: number): number {
  let low = 0
  let high = starts.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((starts[middle] as number) > place) high = middle
    else low = middle + 1
  }
  return low
}

function packed(ids: ArrayLike<number>, dtype: ShardIndex['dtype']): Buffer {
  const width = dtype === 'uint16' ? 2 : 4
  const bytes = Buffer.alloc(ids.length * width)
  for (let i = 0; i < ids.length; i++) bytes.writeUIntLE(ids[i] as number, i * width, width)
  return bytes
}

function unpacked(bytes: Buffer, dtype: ShardIndex['dtype']): Uint32Array {
  const width = dtype === 'uint16' ? 2 : 4
  return Uint32Array.from({ length: bytes.length / width }, (_, i) => bytes.readUIntLE(i * width, width))
}
