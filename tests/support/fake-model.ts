/** A model without weights: its state is a running hash of everything it was fed, its logits a function of that hash. */
import type { MeasuredExit } from '../../server/engine/exit-drafter.ts'
import koffi from 'koffi'
import { PLAIN_FORMAT } from '../../runtime/reply/reply-format.ts'
import { TextError, type Message, type TextCodec } from '../../runtime/text.ts'
import { PAGE_POSITIONS } from '../../server/checkpoint.ts'
import type { Row, Runner, Segment, StepResult } from '../../server/engine/runner.ts'

export const VOCAB = 260
export const END = 256
const ROLE_TOKENS: Record<Message['role'], number> = {
  user: 257,
  assistant: 258,
  system: 259,
  developer: 259,
  tool: 257,
}

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
  /** Milliseconds that every step takes. */
  readonly delayMs?: number
  readonly prefillChunk?: number
  readonly vocab?: number
  /** Give the state an append entry too: the fake then looks at all tokens that it was ever fed. */
  readonly append?: boolean
  /** Size of the fixed part of the state; what is behind the first 16 bytes changes with every token, too. */
  readonly stateBytes?: number
  /** A token beside those of other sequences makes another state than alone. */
  readonly batchMatters?: boolean
  /** Told of every segment of every step. */
  readonly onCall?: (call: { kind: 'prefill' | 'decode'; ids: readonly number[] }) => void
  /** Given all tokens that were fed, the next one: the model is certain of it. Needs `append`. */
  readonly next?: (history: readonly number[]) => number
  /** Given all tokens that were fed, writes the logits of the next one. Needs `append`. */
  readonly score?: (history: readonly number[], logits: Float32Array) => void
  /** Its state depends on a bias for so many experts, while one is set. */
  readonly experts?: number
  /** An early stage, whose exit has the logits of the model itself. */
  readonly exit?: MeasuredExit
  /** Awaited at the start of every step: a runner that is truly asynchronous. */
  readonly pause?: () => Promise<void>
}

/** What the hash needs; 16 unless given. */
const HASH_BYTES = 16

/** One sequence: two 32-bit hashes, the count of tokens, whether its numbers are spoilt; and the tokens, if kept. */
interface FakeRow extends Row {
  fixed: DataView
  /** Of its experts' biases, which are no part of a state that is saved. */
  bias: number
  /** The append entry: 4 bytes a position. */
  history: number[]
  /** What the state was before a call with a draft, and the call's ids. */
  before: { readonly fixed: DataView; readonly history: number[]; readonly ids: number } | null
}

/** The state after `id`. */
function feed(row: FakeRow, id: number, append: boolean): void {
  const { fixed, bias } = row
  fixed.setUint32(0, Math.imul(fixed.getUint32(0) ^ (id + 1 + bias), 0x9e3779b1) >>> 0)
  fixed.setUint32(4, Math.imul(fixed.getUint32(4) + id + 0x7f4a7c15, 0x85ebca6b) >>> 0)
  fixed.setUint32(8, fixed.getUint32(8) + 1)
  if (id === NOT_A_NUMBER.charCodeAt(0)) fixed.setUint32(12, 1)
  if (fixed.byteLength > HASH_BYTES)
    fixed.setUint8(HASH_BYTES + (fixed.getUint32(0) % (fixed.byteLength - HASH_BYTES)), id)
  if (append) row.history.push(id)
}

/** Letters and spaces are likely, the end is possible, everything else is rare. */
function logitsOf({ fixed, history }: FakeRow, logits: Float32Array): void {
  if (fixed.getUint32(12) === 1) {
    logits.fill(NaN)
    return
  }
  let seed = (fixed.getUint32(0) ^ (fixed.getUint32(4) >>> 3)) >>> 0
  for (const id of history) seed = (Math.imul(seed, 31) + id) >>> 0
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

export function createFakeRunner(options: FakeOptions = {}): Runner {
  const { rows = 4, delayMs = 0, prefillChunk = 64, append = false, batchMatters = false, onCall, pause } = options
  const { stateBytes = HASH_BYTES, vocab = VOCAB, next, score, exit, experts = 0 } = options
  const write = (row: FakeRow, logits: Float32Array): void => {
    if (score) score(row.history, logits)
    else if (next) logits.fill(-30)[next(row.history)] = 30
    else logitsOf(row, logits)
  }
  const open = new Set<FakeRow>()
  /** The tokens that the early stage has follow, of a copy of the row. */
  const runAhead = ({ row, ids, exit: calls }: Segment): number[] => {
    const { fixed, history, bias } = row as FakeRow
    const ahead: FakeRow = {
      owner: '',
      fixed: new DataView(fixed.buffer.slice(0)),
      bias,
      history: [...history],
      before: null,
    }
    const found: number[] = []
    if (!calls) return found
    for (let fed = ids; found.length < calls.most; fed = found.slice(-1)) {
      for (const id of fed) feed(ahead, id, append)
      const logits = new Float32Array(vocab)
      write(ahead, logits)
      const id = calls.choose(logits)
      if (id === null) break
      found.push(id)
    }
    return found
  }
  const feedAll = (segment: Segment, beside: boolean): StepResult => {
    const drafted = runAhead(segment)
    const { row, use, exit: calls } = segment
    const ids = [...segment.ids, ...drafted]
    const draft = calls?.verified === true ? drafted.length : (segment.draft ?? 0)
    const wanted = draft > 0 ? 'all' : segment.logits
    const fake = row as FakeRow
    if (!open.has(fake)) throw new Error('the scheduler fed a row that is not open')
    if (fake.before) throw new Error('the scheduler fed a row whose draft it has not settled')
    if (draft > 0)
      fake.before = { fixed: new DataView(fake.fixed.buffer.slice(0)), history: [...fake.history], ids: ids.length }
    onCall?.({ kind: use, ids })
    try {
      const all = new Float32Array(ids.length * vocab)
      for (const [i, id] of ids.entries()) {
        check(id)
        feed(fake, id, append)
        if (beside && batchMatters) fake.fixed.setUint32(0, fake.fixed.getUint32(0) ^ 0x5bd1e995)
        if (wanted === 'all' || i === ids.length - 1) write(fake, all.subarray(i * vocab, (i + 1) * vocab))
      }
      return { logits: wanted === 'all' ? all : all.subarray(-vocab), beside, drafted }
    } catch (error) {
      return { error: error as Error }
    }
  }
  return {
    vocab,
    stateBytes,
    rows,
    experts,
    batchMatters,
    prefillChunk,
    exit,
    open(owner, state, position, values = null) {
      if (values && values.length !== experts) throw new Error(`expected a bias for ${experts} experts`)
      const bias = [...(values ?? [])].reduce((sum, value, expert) => sum + Math.round(64 * value) * (expert + 1), 0)
      const fixed = new DataView(state ? Uint8Array.from(state.fixed).buffer : new ArrayBuffer(stateBytes))
      const history = (state?.pages ?? []).flatMap((page) => [...new Int32Array(Uint8Array.from(page).buffer)])
      if (append && history.length !== position)
        throw new Error(`expected ${position} positions, got ${history.length}`)
      const row: FakeRow = { owner, fixed, bias, history, before: null }
      open.add(row)
      return row
    },
    async step(segments) {
      if (segments.filter(({ use }) => use === 'decode').length > rows)
        throw new Error('the scheduler decodes too many sequences')
      await pause?.()
      if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs))
      const isBatched = ({ use, ids, beside }: Segment) => ids.length === 1 && (use === 'decode' || beside === true)
      const batch = segments.filter(isBatched)
      return segments.map((one) => feedAll(one, isBatched(one) && (batch.length > 1 || one.beside === true)))
    },
    accept(row, count) {
      const fake = row as FakeRow
      const { before } = fake
      if (!before) throw new Error('the scheduler settled a draft that it had not fed')
      fake.before = null
      if (count === before.ids) return count
      fake.fixed = before.fixed
      fake.history = before.history
      return 0
    },
    save(row, firstPage) {
      const { fixed, history, before } = row as FakeRow
      if (before) throw new Error('the scheduler saved a row whose draft it has not settled')
      const pages: Uint8Array[] = []
      for (let at = firstPage * PAGE_POSITIONS; at < history.length; at += PAGE_POSITIONS)
        pages.push(new Uint8Array(Int32Array.from(history.slice(at, at + PAGE_POSITIONS)).buffer))
      return { fixed: new Uint8Array(fixed.buffer.slice(0)), pages, firstPage: append ? firstPage : 0 }
    },
    release(row) {
      if (!open.delete(row as FakeRow)) throw new Error('the scheduler released a row twice')
    },
    forget: () => undefined,
    close: () => undefined,
  }
}

/** Bytes are ids 0 to 255; the chat format is the one of our own models. */
export const byteCodec: TextCodec = {
  vocabSize: VOCAB,
  longestToken: 1,
  eos: [END],
  encode: (text) => [...Buffer.from(text)],
  encodeWithSpecial: (text) => [...Buffer.from(text)],
  decode: (ids) => decodeBytes(ids),
  messageEnds: () => [END],
  reencode: (prompt, reply) => (reply.every((id) => id < 256) ? [...prompt, ...reply] : null),
  bytes: (id) => (id < 256 ? [id] : []),
  chat(messages, { generate }) {
    if (messages.some(({ content }) => content === REFUSED)) throw new TextError('chat template: told to refuse')
    const ids = messages.flatMap(({ role, content }) => [ROLE_TOKENS[role], ...Buffer.from(content), END])
    return generate ? [...ids, ROLE_TOKENS.assistant] : ids
  },
  format: PLAIN_FORMAT,
  encodeReply: (text) => [...Buffer.from(text)],
  endsInReasoning: () => false,
  render: (messages) => messages.map(({ content }) => content).join(''),
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
