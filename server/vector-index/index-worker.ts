/** Entry of a process that holds indexes, or makes one. It ends with the server. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { setPriority } from 'node:os'
import { pipeline } from 'node:stream/promises'
import { Building } from './building.ts'
import { loadFaiss, type FaissIndex } from './faiss.ts'
import type { Answer, Labels, Question, ToIndexProcess } from './messages.ts'

/** What is made in the background leaves the processor to what answers requests. */
const BACKGROUND = 10

const faiss = loadFaiss()
const indexes = new Map<number, FaissIndex>()
let building: Building | null = null

process.on('disconnect', () => process.exit())
process.on('message', ({ id, message }: Question) => {
  void answerTo(message).then(
    (value) => send({ id, value }),
    (error: unknown) => send({ id, error: error instanceof Error ? error.message : String(error) }),
  )
})

function send(answer: Answer): void {
  if (process.connected) process.send?.(answer)
}

async function answerTo(message: ToIndexProcess): Promise<unknown> {
  switch (message.kind) {
    case 'load':
      await load(message.index, message.file, message.sha256)
      return null
    case 'drop':
      drop(message.index)
      return null
    case 'search':
      return search(indexes.get(message.index), message.vector, message.most)
    case 'begin':
      setPriority(BACKGROUND)
      building = new Building(faiss, message.width, message.queries)
      return null
    case 'rows':
      begun().add(message.vectors)
      return null
    case 'check':
      return begun().check()
    case 'write':
      return begun().write()
    default:
      throw new Error(`expected a message that is known, got ${JSON.stringify(message)}`)
  }
}

/** What the bytes of a file do to faiss is not known unless they are those that were written. */
async function load(number: number, file: string, sha256: string): Promise<void> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash)
  const found = hash.digest('hex')
  if (found !== sha256) throw new Error(`${file}: expected the sha256 ${sha256}, got ${found}`)
  indexes.set(number, faiss.Index.read(file))
}

/** An index may be gigabytes that V8 knows nothing of. */
function drop(number: number): void {
  indexes.delete(number)
  globalThis.gc?.()
}

function search(index: FaissIndex | undefined, vector: Float32Array, most: number): Labels {
  if (!index) throw new Error('expected an index that was loaded, got another number')
  const { labels } = index.search(Array.from(vector), Math.min(most, index.ntotal()))
  return labels.filter((label) => label >= 0)
}

function begun(): Building {
  if (!building) throw new Error('expected an index that was begun, got none')
  return building
}
