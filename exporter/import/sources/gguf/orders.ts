/** Orders of rows by which llama.cpp's files differ from published ones. */

/** Rows that a rope of neighbouring pairs wants, back to a rope of halves: (head, pair, half) to (head, half, pair). */
export function unpairedRows(rows: number, heads: number): Int32Array {
  const width = rows / heads
  return Int32Array.from({ length: rows }, (_, row) => {
    const within = row % width
    const half = within < width / 2 ? 0 : 1
    return row - within + 2 * (within - half * (width / 2)) + half
  })
}

/**
 * Value heads that lie tiled (the first of each key head, then the second of each) back to grouped by key head. `width`
 * rows belong to a head; `before` rows in front of them stay.
 */
export function groupedRows(keyHeads: number, valueHeads: number, width: number, before = 0): Int32Array {
  const perKey = valueHeads / keyHeads
  return Int32Array.from({ length: before + valueHeads * width }, (_, row) => {
    if (row < before) return row
    const head = Math.floor((row - before) / width)
    const tiled = (head % perKey) * keyHeads + Math.floor(head / perKey)
    return before + tiled * width + ((row - before) % width)
  })
}

/** `count` rows from `start` on. */
export function rowRange(start: number, count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, row) => start + row)
}

/** (rows, columns) to (columns, rows), in each of `batch` matrices. */
export function transposed(values: Float32Array, batch: number, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(values.length)
  for (let b = 0; b < batch; b++)
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        turned[(b * columns + column) * rows + row] = values[(b * rows + row) * columns + column]!
  return turned
}
