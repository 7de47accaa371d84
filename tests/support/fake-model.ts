/** A model without weights: its state is a running hash of everything it was fed, its logits a function of that hash. */
import koffi from 'koffi'
import { TextError, type Message, type TextCodec } from '../../runtime/text.ts'
import type { Lane, Runner } from '../../server/engine/runner.ts'

export const VOCAB = 260
export const END = 256
const ROLE_TOKENS: Record<Message['role'], number> = { user: 257, assistant: 258, system: 259, developer: 259 }

/** Bytes that make the fake misbehave when they are fed. */
export const NOT_A_NUMBER = '\u0001'
export const THROWS = '\u0002'
export const KILLS_THREAD = '\u0003'
/** Does not return from a native call. */
export const HANGS = '\u0005'
/** Text that the fake's chat template refuses. */
export const REFUSED = '\u0004'

export interface FakeOptions {
  readonly rows?: number
  /** Milliseconds that every call takes. */
  readonly delayMs?: number
  /** Told of every call: the tokens of a lane, or the rows of a batch. */
  readonly onCall?: (call: { kind: 'lane' | 'batch'; ids: readonly number[] }) => void
}

const STATE_BYTES = 16

/** The state after `id`: two 32-bit hashes, the count of tokens, and whether its numbers are spoilt. */
function feed(state: DataView, id: number): void {
  state.setUint32(0, Math.imul(state.getUint32(0) ^ (id + 1), 0x9e3779b1) >>> 0)
  state.setUint32(4, Math.imul(state.getUint32(4) + id + 0x7f4a7c15, 0x85ebca6b) >>> 0)
  state.setUint32(8, state.getUint32(8) + 1)
  if (id === NOT_A_NUMBER.charCodeAt(0)) state.setUint32(12, 1)
}

/** Letters and spaces are likely, the end is possible, everything else is rare. */
function logitsOf(state: DataView, logits: Float32Array): void {
  if (state.getUint32(12) === 1) {
    logits.fill(NaN)
    return
  }
  let seed = (state.getUint32(0) ^ (state.getUint32(4) >>> 3)) >>> 0
  for (let id = 0; id < VOCAB; id++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    const likely = id === 32 || (id >= 97 && id <= 122) ? 6 : id === END ? 5 : id > 127 || id < 32 ? -30 : 0
    logits[id] = (seed / 2 ** 32) * 4 + likely
  }
}

function check(id: number): void {
  if (id === THROWS.charCodeAt(0)) throw new Error('the fake was told to throw')
  if (id === KILLS_THREAD.charCodeAt(0)) process.exit(3)
  if (id === HANGS.charCodeAt(0)) koffi.load('libc.so.6').func('unsigned int sleep(unsigned int seconds)')(1000)
}

function copy(state: DataView): Uint8Array {
  return new Uint8Array(state.buffer.slice(0))
}

function set(state: DataView, bytes: Uint8Array | null): void {
  if (bytes) new Uint8Array(state.buffer).set(bytes)
  else new Uint8Array(state.buffer).fill(0)
}

export function createFakeRunner({ rows = 4, delayMs = 0, onCall }: FakeOptions = {}): Runner {
  const states = Array.from({ length: rows }, () => new DataView(new ArrayBuffer(STATE_BYTES)))
  const batch = new Float32Array(rows * VOCAB)
  const pause = async (): Promise<void> => {
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs))
  }
  const row = (at: number): DataView => states[at] as DataView
  const lane = (): Lane => {
    const state = new DataView(new ArrayBuffer(STATE_BYTES))
    return {
      load: (bytes) => set(state, bytes),
      save: () => copy(state),
      async run(ids, wanted) {
        onCall?.({ kind: 'lane', ids })
        await pause()
        const all = new Float32Array(ids.length * VOCAB)
        for (const [i, id] of ids.entries()) {
          check(id)
          feed(state, id)
          logitsOf(state, all.subarray(i * VOCAB, (i + 1) * VOCAB))
        }
        return wanted === 'all' ? all : all.subarray(-VOCAB)
      },
    }
  }
  return {
    vocab: VOCAB,
    stateBytes: STATE_BYTES,
    rows,
    lane,
    load: (at, bytes) => set(row(at), bytes),
    save: (at) => copy(row(at)),
    move: (from, to) => set(row(to), copy(row(from))),
    async decode(ids) {
      onCall?.({ kind: 'batch', ids })
      await pause()
      for (const [at, id] of ids.entries()) {
        check(id)
        feed(row(at), id)
        logitsOf(row(at), batch.subarray(at * VOCAB, (at + 1) * VOCAB))
      }
      return batch.subarray(0, ids.length * VOCAB)
    },
    close: () => undefined,
  }
}

/** Bytes are ids 0 to 255; the chat format is the one of our own models. */
export const byteCodec: TextCodec = {
  vocabSize: VOCAB,
  eos: [END],
  encode: (text) => [...Buffer.from(text)],
  encodeWithSpecial: (text) => [...Buffer.from(text)],
  decode: (ids) => decodeBytes(ids),
  bytes: (id) => (id < 256 ? [id] : []),
  chat(messages, { generate }) {
    if (messages.some(({ content }) => content === REFUSED)) throw new TextError('chat template: told to refuse')
    const ids = messages.flatMap(({ role, content }) => [ROLE_TOKENS[role], ...Buffer.from(content), END])
    return generate ? [...ids, ROLE_TOKENS.assistant] : ids
  },
  detokenizer() {
    let decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    return {
      push: (id) => (id < 256 ? decoder.decode(Uint8Array.of(id), { stream: true }) : ''),
      flush() {
        decoder = new TextDecoder('utf-8', { ignoreBOM: true })
        return ''
      },
    }
  },
}

function decodeBytes(ids: readonly number[]): string {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  return decoder.decode(Uint8Array.from(ids.filter((id) => id < 256)), { stream: true })
}
