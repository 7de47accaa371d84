/** Tables of comma or tab separated values (RFC 4180): a row of names, then rows of cells that quotes may hold together. */
import { DataError } from './batch.ts'

/** The rows of a table as objects of texts by column. Throws DataError with the number of the row, the first one being 1. */
export async function* csvRows(
  texts: AsyncIterable<string>,
  separator: ',' | '\t',
  name: string,
): AsyncGenerator<Record<string, string>> {
  let header: readonly string[] | undefined
  let number = 0
  for await (const cells of cellRows(texts, separator, () => `${name}: row ${number + (header ? 1 : 0)}`)) {
    if (cells.length === 1 && cells[0] === '') continue
    if (header === undefined) {
      header = cells
      const twice = header.find((column, i) => header!.indexOf(column) !== i)
      if (twice !== undefined) throw new DataError(`${name}: expected different names of columns, got "${twice}" twice`)
      continue
    }
    number++
    if (cells.length !== header.length)
      throw new DataError(`${name}: row ${number}: expected ${header.length} columns, got ${cells.length}`)
    yield Object.fromEntries(header.map((column, i) => [column, cells[i]!]))
  }
  if (number === 0) throw new DataError(`${name}: expected a row of column names and rows below it, found none`)
}

/** Cells row by row, by a machine that reads one character at a time. */
async function* cellRows(
  texts: AsyncIterable<string>,
  separator: string,
  where: () => string,
): AsyncGenerator<string[]> {
  let cells: string[] = []
  let cell = ''
  /** `closed`: behind the quote that may end a quoted cell, or be the first of two. */
  let state: 'start' | 'plain' | 'quoted' | 'closed' = 'start'
  let afterReturn = false
  const endCell = (): void => {
    cells.push(cell)
    cell = ''
    state = 'start'
  }
  for await (const text of texts) {
    for (const sign of text) {
      const wasReturn = afterReturn
      afterReturn = false
      if (state === 'quoted') {
        if (sign === '"') state = 'closed'
        else cell += sign
      } else if (sign === '"' && state !== 'plain') {
        if (state === 'closed') cell += '"'
        state = 'quoted'
      } else if (sign === separator) endCell()
      else if (sign === '\n' && wasReturn) continue
      else if (sign === '\n' || sign === '\r') {
        afterReturn = sign === '\r'
        endCell()
        yield cells
        cells = []
      } else if (state === 'closed')
        throw new DataError(`${where()}: expected a separator after the closing quote, got ${JSON.stringify(sign)}`)
      else {
        cell += sign
        state = 'plain'
      }
    }
  }
  if (state === 'quoted') throw new DataError(`${where()}: expected a closing quote, the file ends without it`)
  if (cells.length > 0 || cell !== '' || state === 'closed') yield [...cells, cell]
}
