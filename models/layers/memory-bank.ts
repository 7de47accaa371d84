/**
 * Memory banks: learned rows that every session reads and none writes (Memory-augmented transformer, section A2 of the
 * systems' description). Letters: N rows, R width of a row.
 */
import type { Ops } from '../ops.ts'
import type { Of, Spec } from '../spec.ts'
import { matrix } from '../spec.ts'
import { innerWidth, keyHeads, type MemoryBankConfig, rowWidth } from './placement.ts'

interface BankParams {
  readonly rows: Spec
  /** (rank, R): a factorized bank is rows x basis, which is never made. */
  readonly basis?: Spec
}

export function bankParams(c: MemoryBankConfig, width: number): BankParams {
  const row = rowWidth(c, width)
  if (c.bank !== 'factorized') return { rows: matrix([c.rows, row], c.memoryStd) }
  return { rows: matrix([c.rows, c.rank], c.memoryStd), basis: matrix([c.rank, row], 1 / Math.sqrt(c.rank)) }
}

interface Projection {
  readonly weight?: Spec
  readonly down?: Spec
  readonly up?: Spec
}

/** A matrix (from, to), or two of them with `rank` between; `silent` makes it start as zero. */
export const projectionParams = (from: number, to: number, rank: number, silent = false): Projection => {
  const last = (rows: number): Spec => (silent ? matrix([rows, to], 0) : matrix([rows, to]))
  return rank === 0 ? { weight: last(from) } : { down: matrix([from, rank]), up: last(rank) }
}

/** x (..., from) -> parts of (..., to), the last matrix split and not what it makes. */
export function project<T>(op: Ops<T>, p: Of<Projection, T>, x: T, parts: readonly number[]): T[] {
  const before = p.down ? op.matmul(x, p.down) : x
  const last = (p.weight ?? p.up)!
  const weights = parts.length === 1 ? [last] : op.split(last, parts, -1)
  return weights.map((weight) => op.matmul(before, weight))
}

/** Keys (C, N), already divided by sqrt(C), and values (N, C), one of each for every head of them. */
export interface KeysAndValues<T> {
  readonly keys: readonly T[]
  readonly values: readonly T[]
}

/** What a memory layer called `name` reads. It depends on parameters alone, so it is computed once where that helps. */
export function keysAndValues<T>(
  op: Ops<T>,
  c: MemoryBankConfig,
  width: number,
  name: string,
  bank: Of<BankParams, T>,
  p: { readonly key: Of<Projection, T>; readonly value: Of<Projection, T> },
): KeysAndValues<T> {
  const heads = keyHeads(c)
  const channels = innerWidth(c, width) / c.memoryHeads
  const each = <V>(value: V): V[] => Array.from({ length: heads }, () => value)
  const made = op.precompute(name, [...each([channels, c.rows]), ...each([c.rows, channels])], () => {
    const rows = c.quantize === 'none' ? bank.rows : op.quantised(bank.rows, c.quantize === 'int8' ? 8 : 4)
    const through = (projection: Of<Projection, T>): T[] =>
      bank.basis
        ? project(op, projection, bank.basis, each(channels)).map((seen) => op.matmul(rows, seen))
        : project(op, projection, rows, each(channels))
    const scale = op.constant(1 / Math.sqrt(channels))
    return [...through(p.key).map((key) => op.mul(op.transpose(key, [1, 0]), scale)), ...through(p.value)]
  })
  return { keys: made.slice(0, heads), values: made.slice(heads) }
}
