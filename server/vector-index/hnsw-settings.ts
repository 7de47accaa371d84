/**
 * How widely an HNSW index is searched, when it is made and when it is asked (efConstruction and efSearch of Malkov & Yashunin
 * 2018): faiss-node has no call for it, so it is set in the bytes of an index that is still empty.
 */

/** What faiss 1.7 gives a new index. */
const DEFAULTS = { construction: 40, search: 16 } as const
/** Bytes of an index before its HNSW: its kind, width, size, two constants, trained or not, metric (faiss/impl/index_write.cpp). */
const HEADER = 4 + 4 + 8 + 8 + 8 + 1 + 4
/** Bytes of an item of the vectors that follow: probabilities of levels, neighbours by level, levels, offsets, neighbours. */
const VECTORS = [8, 4, 4, 8, 4] as const

export interface SearchWidths {
  readonly construction: number
  readonly search: number
}

/** Sets both in the bytes of an `HNSW..` index over whole vectors. `from`: what they are; null: what a new index has. Throws where that does not hold. */
export function setSearchWidths(
  index: Buffer,
  { from, to }: { readonly from: SearchWidths | null; readonly to: SearchWidths },
): void {
  let at = HEADER
  for (const bytes of VECTORS) at += 8 + Number(index.readBigUInt64LE(at)) * bytes
  at += 8 // entry point and highest level
  const expected = from ?? DEFAULTS
  const [kind, construction, search] = [
    index.toString('latin1', 0, 4),
    index.readInt32LE(at),
    index.readInt32LE(at + 4),
  ]
  if (kind !== 'IHNf' || construction !== expected.construction || search !== expected.search)
    throw new Error(
      `expected an HNSW index with widths ${expected.construction} and ${expected.search}, as faiss 1.7 writes it, ` +
        `got ${kind} with ${construction} and ${search}; run npm run setup:faiss again`,
    )
  index.writeInt32LE(to.construction, at)
  index.writeInt32LE(to.search, at + 4)
}
