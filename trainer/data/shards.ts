/** Token shards: folders of little-endian ids that were tokenized once, with an index. */
import { createHash } from 'node:crypto'
import { mkdir, open, readFile, stat, writeFile, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { FolderKind } from '../../runtime/replace-folder.ts'
import type { TextCodec } from '../../runtime/text.ts'
import { DataError } from './batch.ts'
import type { CorpusFile, Piece } from './corpus-file.ts'
import { readBytes } from './read-bytes.ts'

/** index.json of a shard folder. */
export interface ShardIndex {
  readonly format: 'mneme-shards'
  readonly version: 1
  readonly dtype: 'uint16' | 'uint32'
  readonly vocab: number
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

/** What may be replaced by new shards. */
export const shardFolder: FolderKind = {
  noun: 'token shards',
  index: 'index.json',
  format: 'mneme-shards',
  files: ({ shards }) => ((shards ?? []) as ShardIndex['shards']).flatMap(({ file, starts }) => [file, starts]),
}

/** Tokens of a piece that is read at once. */
const pieceTokens = 16_384

/** Opens a folder of shards, or gives undefined for anything else. Throws DataError when it does not fit the codec. */
export async function openShards(folder: string, codec: TextCodec): Promise<CorpusFile[] | undefined> {
  const text = await readFile(join(folder, shardFolder.index), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const index = parseIndex(join(folder, shardFolder.index), text)
  if (index.format !== shardFolder.format || index.version !== 1) {
    throw new DataError(
      `${join(folder, shardFolder.index)}: expected mneme-shards of version 1, got ${text.slice(0, 60)}`,
    )
  }
  if (index.vocab !== codec.vocabSize) {
    throw new DataError(`${folder}: expected tokens of a vocabulary of ${codec.vocabSize}, got one of ${index.vocab}`)
  }
  return Promise.all(index.shards.map((shard) => openShard(folder, index, shard)))
}

function parseIndex(where: string, text: string): ShardIndex {
  try {
    return JSON.parse(text) as ShardIndex
  } catch (cause) {
    throw new DataError(`${where}: expected JSON, got ${(cause as Error).message}`, { cause })
  }
}

/** Writes shards of `shardTokens` tokens at most into a folder. */
export async function createShardWriter(folder: string, vocab: number, shardTokens = 2 ** 27): Promise<ShardWriter> {
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
      const index: ShardIndex = { format: 'mneme-shards', version: 1, dtype, vocab, tokens, shards }
      await writeFile(join(folder, shardFolder.index), `${JSON.stringify(index, null, 2)}\n`)
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
): Promise<CorpusFile> {
  const path = join(folder, shard.file)
  const width = dtype === 'uint16' ? 2 : 4
  const { size } = await stat(path)
  if (size !== shard.tokens * width) throw new DataError(`${path}: expected ${shard.tokens * width} bytes, got ${size}`)
  const starts = unpacked(await readFile(join(folder, shard.starts)), 'uint32')

  async function read(from: number, to: number): Promise<Piece> {
    const end = starts[firstAfter(starts, from)] ?? shard.tokens
    const next = Math.min(from + pieceTokens, end, to)
    const ids = unpacked(await readBytes(path, from * width, (next - from) * width), dtype)
    const wrong = ids.findIndex((id) => id >= vocab)
    if (wrong !== -1)
      throw new DataError(`${path}: expected ids below ${vocab}, got ${ids[wrong]} at token ${from + wrong}`)
    return { ids, next, ends: next === end || next === to }
  }

  return { path, size: shard.tokens, align: (place) => Promise.resolve(place), read }
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
