/** What a model takes of memory: its weights, and the states of the sequences that it computes. */
import { decoderOf, stateBytes, tokenizerOf, type Manifest } from '../../runtime/manifest.ts'
import { capacityFor } from './capacity.ts'
import { DRAFT_CALL } from './call-buffers.ts'
import { SPARE_MEMORIES } from './ort-runner.ts'

export interface ModelMemory {
  /** Bytes of the weights, once the model is loaded. */
  readonly weights: number
  /** Bytes of state buffers and logits that a loaded model has without any request. */
  readonly idle: number
  /** Bytes that a sequence takes in addition, of whatever length. */
  readonly perSequence: number
  /** Bytes that it takes for each position that memory is set aside for. */
  readonly perPosition: number
}

/**
 * ONNX Runtime keeps packed copies of weights beside those of the file. Of SmolLM2-135M in 4 bits, 105 MB on disk, a
 * session took 146 MB.
 */
const WEIGHTS_PER_FILE_BYTE = 1.5
/** A group of rows has memory for up to twice as many (row-group.ts); a sequence alone has its own in the place of that. */
const BUFFERS_PER_SEQUENCE = 2
/** The memory of a bundle's decoder with `rows` rows. */
export function memoryOf(manifest: Manifest, rows: number): ModelMemory {
  const { files, state } = manifest
  const graph = decoderOf(manifest).file
  const file = (name: string): number => files[name]?.bytes ?? 0
  const beside = Object.keys(files).filter((name) => name.startsWith(`${graph}.`))
  const onDisk = [graph, ...beside].reduce((sum, name) => sum + file(name), 0)
  const bytesOf = (kind: 'fixed' | 'append'): number =>
    state.filter((entry) => entry.kind === kind).reduce((sum, entry) => sum + stateBytes(entry), 0)
  // Two sets take turns unless every kernel updates its state in place (state-bank.ts).
  const sets = state.every(({ inPlace }) => inPlace) ? 1 : 2
  const fixed = bytesOf('fixed')
  const position = bytesOf('append')
  const buffer = fixed * sets + (position === 0 ? 0 : capacityFor(1) * position)
  // Rows of a state that never grows have their memory from the beginning.
  const idleRows = position === 0 ? rows : 1
  const tokenLogits = tokenizerOf(manifest).vocab * Float32Array.BYTES_PER_ELEMENT
  return {
    weights: Math.ceil(onDisk * WEIGHTS_PER_FILE_BYTE),
    idle: (idleRows + SPARE_MEMORIES) * buffer + (rows + SPARE_MEMORIES + DRAFT_CALL) * tokenLogits,
    perSequence: BUFFERS_PER_SEQUENCE * fixed * sets + tokenLogits,
    perPosition: BUFFERS_PER_SEQUENCE * position,
  }
}

/** Bytes that a sequence of so many tokens takes of a loaded model's memory. */
export function sequenceBytes({ perSequence, perPosition }: ModelMemory, tokens: number): number {
  return perSequence + (perPosition === 0 ? 0 : capacityFor(tokens) * perPosition)
}

/** The most tokens that one sequence may have within `bytes`; null: as many as one likes; 0: none. */
export function tokensWithin(memory: ModelMemory, bytes: number): number | null {
  if (sequenceBytes(memory, 1) > bytes) return 0
  if (memory.perPosition === 0) return null
  let tokens = capacityFor(1)
  while (sequenceBytes(memory, tokens * 2) <= bytes) tokens *= 2
  return tokens
}
