/** Options of memory layers: where they are, which bank each of them reads, and what cannot be. */
import { choice, type ConfigOf, count, flag, real, requires } from '../config.ts'

export const memoryFields = {
  rows: count(1024, 'rows of a memory bank'),
  rowWidth: count(0, 'width of a row; 0: the width of the model', 0),
  placement: choice(
    'all',
    ['all', 'first_k', 'last_k', 'every_n', 'custom', 'none'],
    'layers that read a memory; none is the control',
  ),
  placementCount: count(1, 'how many of the first or last layers'),
  placementEvery: count(2, 'every so many layers, from the first'),
  placementLayers: {
    default: [0] as readonly number[],
    help: 'the layers of a custom placement',
    min: 0,
    integer: true,
  },
  sharing: choice('shared', ['shared', 'per_layer', 'every_k_layers'], 'which memory layers read the same bank'),
  sharingEvery: count(2, 'neighbouring memory layers that share a bank'),
  bank: choice(
    'standard',
    ['standard', 'factorized', 'reduced'],
    'rows as they are, as a product, or only `rank` wide',
  ),
  rank: count(64, 'rank of a factorized bank, width of a reduced one'),
  projectionRank: count(0, 'rank of the projections of a memory layer; 0: full', 0),
  memoryHeads: count(4, 'heads of a memory layer'),
  memoryKeyHeads: count(0, 'heads of its keys and values; 0: as many as of its queries', 0),
  memoryStd: real(0.02, 'standard deviation of the first rows', 1e-6, 10),
  quantize: choice('none', ['none', 'int8', 'int4'], 'rows rounded to this many bits, trained straight through'),
  zeroOutput: flag(true, 'memory layers start silent: their output projection is zero'),
  chapters: count(0, 'parts of a bank among which a router chooses; 0: no router', 0),
  topChapters: count(4, 'chapters that the router chooses'),
  sharedChapters: count(0, 'the first chapters, which are always read', 0),
  routing: choice(
    'token',
    ['token', 'rolling', 'hybrid', 'sequence', 'sequence_rolling'],
    'what the router sees: the token, the last window, the last whole window; or the whole row, which leaks the future',
  ),
  routingWindow: count(128, 'tokens of the window that the router sees', 2),
  routedScale: real(1, 'weight of all chosen chapters together', 1e-3, 1e3),
  loadBalance: real(0.01, 'weight of the load-balance loss', 0, 1e3),
  auxiliaryLoss: real(0, 'weight of the loss for unequal mean probabilities', 0, 1e3),
  zLoss: real(0, 'weight of the loss for large router logits', 0, 1e3),
}

export type MemoryBankConfig = ConfigOf<typeof memoryFields>

/** The layers that read a memory, in order. */
export function memoryLayers(c: MemoryBankConfig, layers: number): number[] {
  const all = Array.from({ length: layers }, (_, i) => i)
  switch (c.placement) {
    case 'first_k':
      return all.slice(0, c.placementCount)
    case 'last_k':
      return all.slice(-c.placementCount)
    case 'every_n':
      return all.filter((i) => i % c.placementEvery === 0)
    case 'custom':
      return [...c.placementLayers].toSorted((a, b) => a - b)
    case 'none':
      return []
    default:
      return all
  }
}

/** The bank of the memory layer that comes `order`-th among them. */
export function bankOf(c: MemoryBankConfig, order: number): number {
  if (c.sharing === 'shared') return 0
  return c.sharing === 'per_layer' ? order : Math.floor(order / c.sharingEvery)
}

/** How many banks that makes. */
export const bankCount = (c: MemoryBankConfig, layers: number): number => {
  const count = memoryLayers(c, layers).length
  return count === 0 ? 0 : bankOf(c, count - 1) + 1
}

/** Width of a row as it is stored, and of the space in which queries meet keys. */
export const rowWidth = (c: MemoryBankConfig, width: number): number =>
  c.bank === 'reduced' ? c.rank : c.rowWidth || width
export const innerWidth = (c: MemoryBankConfig, width: number): number => (c.bank === 'reduced' ? c.rank : width)

export const keyHeads = (c: MemoryBankConfig): number => c.memoryKeyHeads || c.memoryHeads

/** Throws ConfigError where the options of `owner` contradict each other. */
export function checkMemory(owner: string, c: MemoryBankConfig, width: number, layers: number): void {
  const within = (field: keyof MemoryBankConfig, most: number, why: string): void =>
    requires(Number(c[field]) <= most, `${owner}.${field}: expected at most ${most} (${why}), got ${String(c[field])}`)
  if (c.placement === 'first_k' || c.placement === 'last_k') within('placementCount', layers, 'the layers')
  if (c.placement === 'custom') {
    const bad = c.placementLayers.find((layer, i) => layer >= layers || c.placementLayers.indexOf(layer) !== i)
    requires(
      bad === undefined,
      `${owner}.placementLayers: expected different layers from 0 to ${layers - 1}, got ${bad}`,
    )
  }
  within('projectionRank', width, 'the width')
  if (c.bank === 'reduced') within('rank', width, 'the width')
  const row = rowWidth(c, width)
  if (c.bank === 'factorized') within('rank', Math.min(c.rows, row), 'the smaller side of the bank')
  const inner = innerWidth(c, width)
  requires(
    inner % c.memoryHeads === 0,
    `${owner}.memoryHeads: expected a divisor of ${inner} (${c.bank === 'reduced' ? 'rank' : 'width'}), got ${c.memoryHeads}`,
  )
  requires(
    c.memoryHeads % keyHeads(c) === 0,
    `${owner}.memoryKeyHeads: expected a divisor of ${c.memoryHeads} (memoryHeads), got ${c.memoryKeyHeads}`,
  )
  const stored = c.bank === 'factorized' ? c.rank : row
  requires(
    c.quantize !== 'int4' || stored % 2 === 0,
    `${owner}.quantize: int4 packs two numbers in a byte: expected rows of an even width, got ${stored}`,
  )
  if (c.chapters === 0) return
  requires(c.rows % c.chapters === 0, `${owner}.chapters: expected a divisor of ${c.rows} (rows), got ${c.chapters}`)
  within('sharedChapters', c.chapters - 1, 'one less than the chapters')
  within('topChapters', c.chapters - c.sharedChapters, 'the chapters that are not shared')
}
