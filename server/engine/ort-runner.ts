/** A Runner over a bundle's decoder graph. */
import type { Bundle } from '../../runtime/bundle.ts'
import type { Graph } from '../../runtime/graph.ts'
import { createDecoderModel, type DecoderModel } from './decoder-model.ts'
import { PrefillSlot } from './prefill-slot.ts'
import { RowGroup } from './row-group.ts'
import { PREFILL_SLOTS, type Row, type Runner, type Segment, type StepResult } from './runner.ts'

/** Ids of one call at most, whatever bundle a stored turn was made with. */
const LONGEST_CALL = 4096

/** A sequence that decodes: its group, and the state's position. */
interface DecodeRow extends Row {
  readonly use: 'decode'
  position: number
  group: RowGroup<DecodeRow>
}

interface PrefillRow extends Row {
  readonly use: 'prefill'
  readonly slot: PrefillSlot
}

/** Returns a runner that decodes at most `rows` sequences together. It closes `graph` with itself. */
export function createOrtRunner(bundle: Bundle, graph: Graph, rows: number): Runner {
  return new OrtRunner(createDecoderModel(bundle, graph), bundle.manifest.prefillChunk, rows)
}

class OrtRunner implements Runner {
  readonly limits: Runner['limits']
  readonly prefillChunk: number
  readonly #model: DecoderModel
  readonly #groups = new Map<number, RowGroup<DecodeRow>>()
  readonly #freeSlots: PrefillSlot[] = []

  constructor(model: DecoderModel, prefillChunk: number, rows: number) {
    this.#model = model
    this.prefillChunk = prefillChunk
    this.limits = { decode: rows, prefill: PREFILL_SLOTS }
    this.#groupFor(1)
  }

  get vocab(): number {
    return this.#model.vocab
  }

  get stateBytes(): number {
    return this.#groupFor(1).rowBytes
  }

  open(use: Row['use'], state: Parameters<Runner['open']>[1], position: number): Row {
    if (use === 'decode') {
      const group = this.#groupFor(position + 1)
      const row: DecodeRow = { use, position, group }
      group.add(row, state)
      return row
    }
    const slot = this.#freeSlots.pop() ?? this.#makeSlot()
    slot.load(state, position)
    const row: PrefillRow = { use: 'prefill', slot }
    return row
  }

  save(row: Row, firstPage: number): ReturnType<Runner['save']> {
    return isDecode(row) ? row.group.save(row, firstPage) : (row as PrefillRow).slot.save(firstPage)
  }

  release(row: Row): void {
    if (isDecode(row)) return this.#leave(row)
    const { slot } = row as PrefillRow
    slot.load(null, 0) // gives back what a long prompt needed
    this.#freeSlots.push(slot)
  }

  async step(segments: readonly Segment[]): Promise<readonly StepResult[]> {
    const results = new Map<Segment, StepResult>()
    for (const segment of segments)
      if (!isDecode(segment.row)) results.set(segment, await this.#prefill(segment.row as PrefillRow, segment))
    const decoding = segments.filter((segment) => !results.has(segment))
    for (const group of this.#groupsOf(decoding)) await this.#decode(group, decoding, results)
    return segments.map((segment) => results.get(segment) as StepResult)
  }

  accept(row: Row, count: number): number {
    return (row as DecodeRow).group.accept(row as DecodeRow, count)
  }

  close(): void {
    for (const group of this.#groups.values()) group.close()
    for (const slot of this.#freeSlots) slot.close()
    this.#model.close()
  }

  #prefill({ slot }: PrefillRow, { ids, logits }: Segment): Promise<StepResult> {
    return attempt(() => slot.run(ids, logits))
  }

  /** All rows in one call; or each in one of its own where one is fed several ids, which kernels take of one row only. */
  async #decode(
    group: RowGroup<DecodeRow>,
    segments: readonly Segment[],
    results: Map<Segment, StepResult>,
  ): Promise<void> {
    const mine = segments.filter(({ row }) => (row as DecodeRow).group === group)
    if (mine.some(({ ids }) => ids.length > 1)) {
      for (const segment of mine) results.set(segment, await attempt(() => feed(group, segment)))
      return
    }
    const byRow = new Map(mine.map((segment) => [segment.row, segment]))
    const batch = group.rows.map((row) => byRow.get(row) as Segment)
    const made = await attempt(() => group.decode(batch.map(({ ids }) => ids[0] as number)))
    for (const [at, segment] of batch.entries()) {
      const { vocab } = this.#model
      results.set(segment, 'error' in made ? made : { logits: made.logits.subarray(at * vocab, (at + 1) * vocab) })
    }
  }

  /** The groups of these rows, each moved first to one that has room for its ids. */
  #groupsOf(segments: readonly Segment[]): Set<RowGroup<DecodeRow>> {
    for (const { row, ids } of segments) this.#moveToFit(row as DecodeRow, (row as DecodeRow).position + ids.length)
    return new Set(segments.map(({ row }) => (row as DecodeRow).group))
  }

  #moveToFit(row: DecodeRow, tokens: number): void {
    const group = this.#groupFor(tokens)
    if (group.capacity <= row.group.capacity) return
    const state = row.group.save(row, 0)
    this.#leave(row)
    row.group = group
    group.add(row, state)
  }

  /** A group that nobody is left in gives back its memory, but for the smallest. */
  #leave(row: DecodeRow): void {
    const { group } = row
    group.remove(row)
    if (group.rows.length > 0 || group.capacity === this.#model.capacityFor(1)) return
    group.close()
    this.#groups.delete(group.capacity)
  }

  #groupFor(tokens: number): RowGroup<DecodeRow> {
    const capacity = this.#model.capacityFor(tokens)
    const known = this.#groups.get(capacity)
    if (known) return known
    // State that never grows is small, so all rows get their memory at once and no binding is ever made again.
    const made = new RowGroup<DecodeRow>(this.#model, capacity, capacity === 0 ? this.limits.decode : 1)
    this.#groups.set(capacity, made)
    return made
  }

  #makeSlot(): PrefillSlot {
    return new PrefillSlot(this.#model, this.prefillChunk, Math.max(this.prefillChunk, LONGEST_CALL))
  }
}

function isDecode(row: Row): row is DecodeRow {
  return row.use === 'decode'
}

async function feed(group: RowGroup<DecodeRow>, { row, ids, logits, draft = 0 }: Segment): Promise<Float32Array> {
  const made = await group.feed(row as DecodeRow, ids, logits)
  if (draft === 0) group.accept(row as DecodeRow, ids.length)
  return made
}

async function attempt(work: () => Promise<Float32Array>): Promise<StepResult> {
  try {
    return { logits: await work() }
  } catch (error) {
    return { error: error instanceof Error ? error : new Error(String(error)) }
  }
}
