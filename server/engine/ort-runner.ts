/** A Runner over a bundle's decoder graph. */
import type { Bundle } from '../../runtime/bundle.ts'
import type { Graph } from '../../runtime/graph.ts'
import { stateBytes } from '../../runtime/manifest.ts'
import type { SessionState } from '../checkpoint.ts'
import { CallBuffers } from './call-buffers.ts'
import { createDecoderModel, type DecoderModel } from './decoder-model.ts'
import { BIAS_ENTRY } from './expert-bias.ts'
import type { MeasuredExit } from './exit-drafter.ts'
import { Line, Residents } from './residents.ts'
import { RowGroup } from './row-group.ts'
import type { Row, Runner, Segment, StepResult } from './runner.ts'
import { SoloMemory } from './solo-memory.ts'
import type { StateBank } from './state-bank.ts'

/** Ids of one call at most, whatever bundle a stored turn was made with. */
const LONGEST_CALL = 4096

/** Memories of the smallest size that are kept for the next sequences. */
export const SPARE_MEMORIES = 4

/** A sequence and where it is: alone, or in a row of a group. */
interface Sequence extends Row {
  position: number
  place: SoloMemory | RowGroup<Sequence>
  /** What the append entries of its memory hold. */
  readonly line: Line
  /** Ids of its last call, if that verified a draft which has not been accepted yet. */
  drafted: number
  /** A call of it has failed. */
  spoilt: boolean
}

/**
 * Returns a runner that decodes at most `rows` sequences together, and keeps at most `residentBytes` bytes of the keys and
 * values of sequences that have ended. `early` is the graph of its early stage. It closes both graphs with itself.
 */
export function createOrtRunner(bundle: Bundle, graph: Graph, rows: number, residentBytes = 0, early?: Graph): Runner {
  return new OrtRunner(createDecoderModel(bundle, graph, early), bundle.manifest.prefillChunk, rows, residentBytes)
}

class OrtRunner implements Runner {
  readonly rows: number
  readonly prefillChunk: number
  batchMatters = false
  exit: MeasuredExit | undefined
  readonly #model: DecoderModel
  readonly #buffers: CallBuffers
  readonly #groups = new Map<number, RowGroup<Sequence>>()
  readonly #spare: SoloMemory[] = []
  readonly #residents: Residents
  /** Where the bias of experts is in the fixed part of a state; null where the model has none. */
  readonly #biasBytes: { readonly from: number; readonly length: number } | null
  /** Takes the place of the others where a token is computed again that was beside theirs. */
  #companion: Sequence | null = null

  constructor(model: DecoderModel, prefillChunk: number, rows: number, residentBytes: number) {
    this.#model = model
    this.prefillChunk = prefillChunk
    this.rows = rows
    this.#buffers = new CallBuffers(Math.max(prefillChunk, LONGEST_CALL), model.vocab)
    this.#residents = new Residents(residentBytes)
    this.#biasBytes = biasBytesOf(model)
    this.#groupFor(model.capacityFor(1))
  }

  get vocab(): number {
    return this.#model.vocab
  }

  get stateBytes(): number {
    return this.#groupFor(this.#model.capacityFor(1)).bank.rowBytes
  }

  get experts(): number {
    return (this.#biasBytes?.length ?? 0) / Float32Array.BYTES_PER_ELEMENT
  }

  open(
    owner: string,
    state: SessionState | null,
    position: number,
    bias: Float32Array | null = null,
    tokens: number = position,
  ): Row {
    const resident = state?.resident ? this.#residents.take(owner, state.resident, position) : null
    const place = resident?.memory ?? this.#ownMemory()
    place.reserve(tokens, resident ? position : 0)
    if (resident) place.bank.loadFixed(0, state)
    else place.load(state, position)
    if (bias) place.bank.setEntry(0, BIAS_ENTRY, bias)
    const line = resident?.line ?? new Line()
    line.goOn(position)
    const row: Sequence = { owner, position, place, line, drafted: 0, spoilt: false }
    return row
  }

  save(row: Row, firstPage: number): SessionState {
    const { position, line } = row as Sequence
    const [bank, at] = bankOf(row as Sequence)
    const state = bank.save(at, position, firstPage)
    if (this.#biasBytes) state.fixed.fill(0, this.#biasBytes.from, this.#biasBytes.from + this.#biasBytes.length)
    return this.#keepsMemory ? { ...state, resident: line.refer() } : state
  }

  release(row: Row): void {
    const sequence = row as Sequence
    const { owner, place, line, spoilt } = sequence
    const stays = line.referred && !spoilt
    if (place instanceof RowGroup) {
      if (!stays || !this.#residents.fits(place.bank.bytes / place.rows.length)) return this.#leave(sequence, place)
      this.#moveOut(sequence)
    }
    const memory = sequence.place as SoloMemory
    if (stays) this.#residents.keep({ owner, line, memory })
    else this.#giveBack(memory)
  }

  async step(segments: readonly Segment[]): Promise<readonly StepResult[]> {
    this.#buffers.beginStep()
    const results = new Map<Segment, StepResult>()
    const batches = new Map<number, Segment[]>()
    for (const segment of segments) {
      const { ids, use, row, exit } = segment
      const capacity = this.#model.capacityFor((row as Sequence).position + 1)
      if ((use === 'prefill' && segment.beside !== true) || ids.length > 1 || exit)
        results.set(segment, await this.#feed(segment))
      else batches.set(capacity, [...(batches.get(capacity) ?? []), segment])
    }
    for (const [capacity, batch] of batches) await this.#decode(capacity, batch, results)
    return segments.map((segment) => results.get(segment) as StepResult)
  }

  accept(row: Row, count: number): number {
    const sequence = row as Sequence
    const { drafted, place } = sequence
    const areRight = count === drafted
    ;(place as SoloMemory).accept(areRight)
    sequence.drafted = 0
    if (areRight) sequence.position += drafted
    return areRight ? drafted : 0
  }

  forget(owner: string): void {
    this.#residents.forget(owner)
  }

  close(): void {
    for (const group of this.#groups.values()) group.close()
    for (const memory of this.#spare) memory.close()
    this.#residents.close()
    this.#model.close()
  }

  /** Whether there are keys and values that may stay. */
  get #keepsMemory(): boolean {
    return this.#residents.fits(1) && this.#model.capacityFor(1) > 0
  }

  /** A call of one sequence. */
  async #feed({ row, ids: given, logits, draft = 0, exit }: Segment): Promise<StepResult> {
    const sequence = row as Sequence
    let drafted: readonly number[] = []
    const result = await attempt([sequence], async () => {
      this.#moveOut(sequence)
      const memory = sequence.place as SoloMemory
      if (exit) drafted = await memory.runAhead(given, sequence.position, exit)
      const ids = [...given, ...drafted]
      if (draft > 0 || (exit?.verified === true && drafted.length > 0)) {
        sequence.drafted = ids.length
        return memory.verify(ids, sequence.position)
      }
      const made = await memory.run(ids, sequence.position, logits)
      sequence.position += ids.length
      return made
    })
    return exit && 'logits' in result ? { ...result, drafted } : result
  }

  /** Sequences that are fed one token each: together, or alone where there is one. */
  async #decode(capacity: number, batch: readonly Segment[], results: Map<Segment, StepResult>): Promise<void> {
    const [first] = batch as [Segment]
    const { place } = first.row as Sequence
    const aloneInGroup = place instanceof RowGroup && place.capacity === capacity && place.rows.length === 1
    const isAlone = batch.length === 1 && first.beside !== true
    if (isAlone && !aloneInGroup) {
      results.set(first, await this.#feed(first))
      return
    }
    // Where one row is rounded otherwise than several, kernels take rows in pairs: the last of an odd number would count as alone.
    const needsAnother = batch.length === 1 ? !isAlone : this.batchMatters && batch.length % 2 === 1
    const all = needsAnother ? [...batch, this.#besideAnother()] : batch
    const group = this.#gather(capacity, all)
    const mine = new Map(all.map((segment) => [segment.row, segment]))
    const ordered = group.rows.map((row) => mine.get(row) as Segment)
    const made = await attempt(group.rows, () => group.decode(ordered.map(({ ids }) => ids[0] as number)))
    const { vocab } = this.#model
    for (const [at, segment] of ordered.entries()) {
      ;(segment.row as Sequence).position++
      const logits = 'error' in made ? null : made.logits.subarray(at * vocab, (at + 1) * vocab)
      results.set(segment, logits ? { logits, beside: all.length > 1 } : made)
    }
  }

  /** A token of no sequence, for a call that is to have more than one row. */
  #besideAnother(): Segment {
    if (this.#companion === null || this.#companion.spoilt) this.#companion = this.open('', null, 0) as Sequence
    this.#companion.position = 0
    return { row: this.#companion, ids: [0], use: 'decode', logits: 'last' }
  }

  /** The group of this capacity with exactly the sequences of `batch` in it. */
  #gather(capacity: number, batch: readonly Segment[]): RowGroup<Sequence> {
    const group = this.#groupFor(capacity)
    const wanted = new Set<Row>(batch.map(({ row }) => row))
    for (const row of group.rows.filter((one) => !wanted.has(one))) this.#moveOut(row)
    for (const row of wanted as Set<Sequence>) {
      const { place } = row
      if (place === group) continue
      group.add(row, ...bankOf(row))
      if (place instanceof RowGroup) this.#leave(row, place)
      else this.#giveBack(place)
      row.place = group
    }
    return group
  }

  /** Gives a sequence of a group memory of its own. */
  #moveOut(sequence: Sequence): void {
    const { place, position } = sequence
    if (!(place instanceof RowGroup)) return
    const memory = this.#ownMemory()
    memory.reserve(position, 0)
    memory.bank.copyRow(0, ...bankOf(sequence), position)
    this.#leave(sequence, place)
    sequence.place = memory
  }

  /** A group that nobody is left in gives back its memory, but for the smallest. */
  #leave(sequence: Sequence, group: RowGroup<Sequence>): void {
    group.remove(sequence)
    if (group.rows.length > 0 || group.capacity === this.#model.capacityFor(1)) return
    group.close()
    this.#groups.delete(group.capacity)
  }

  #groupFor(capacity: number): RowGroup<Sequence> {
    const known = this.#groups.get(capacity)
    if (known) return known
    // State that never grows is small, so all rows get their memory at once and no binding is ever made again.
    const made = new RowGroup<Sequence>(this.#model, capacity, capacity === 0 ? this.rows : 1)
    this.#groups.set(capacity, made)
    return made
  }

  #ownMemory(): SoloMemory {
    return this.#spare.pop() ?? new SoloMemory(this.#model, this.#buffers, this.prefillChunk)
  }

  #giveBack(memory: SoloMemory): void {
    const isSmallest = memory.bank.capacity === this.#model.capacityFor(1)
    if (isSmallest && this.#spare.length < SPARE_MEMORIES) this.#spare.push(memory)
    else memory.close()
  }
}

function biasBytesOf({ state }: DecoderModel): { from: number; length: number } | null {
  const fixed = state.filter(({ kind }) => kind === 'fixed')
  const at = fixed.findIndex(({ name }) => name === BIAS_ENTRY)
  if (at < 0) return null
  const from = fixed.slice(0, at).reduce((sum, entry) => sum + stateBytes(entry), 0)
  return { from, length: stateBytes(fixed[at]!) }
}

/** The memory that a sequence's state is in, and the row there. */
function bankOf(sequence: Sequence): [StateBank, number] {
  const { place } = sequence
  return place instanceof RowGroup ? [place.bank, place.rows.indexOf(sequence)] : [place.bank, 0]
}

async function attempt(sequences: readonly Sequence[], work: () => Promise<Float32Array>): Promise<StepResult> {
  try {
    return { logits: await work() }
  } catch (error) {
    for (const sequence of sequences) sequence.spoilt = true
    return { error: error instanceof Error ? error : new Error(String(error)) }
  }
}
