/** Files of questions: JSON lines, plain or gzip, and tables of comma-separated values. */
import { readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { csvRows } from '../data/csv.ts'
import { DataError } from '../data/batch.ts'
import { FileError, jsonProblem } from '../files.ts'
import { Random } from '../random.ts'

/** A line or row, by its names. */
export type Row = Readonly<Record<string, unknown>>

/** The rows of a file; `columns` are those of a table without a row of names. Throws FileError, DataError. */
export async function readRows(path: string, columns?: readonly string[]): Promise<Row[]> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw FileError.of(path, 'read', cause)
  })
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').replace(/^\uFEFF/, '')
  if (/\.csv(?:\.gz)?$/.test(path)) return tableRows(text, path, columns)
  const rows: Row[] = []
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    try {
      rows.push(JSON.parse(line) as Row)
    } catch (cause) {
      throw new DataError(`${path}: line ${i + 1}: expected a JSON object: ${jsonProblem(cause)}`, { cause })
    }
  }
  return rows
}

async function tableRows(text: string, path: string, columns?: readonly string[]): Promise<Row[]> {
  const head = columns?.join(',') ?? ''
  const hasNames = columns === undefined || text.toLowerCase().startsWith(head.toLowerCase())
  async function* texts(): AsyncGenerator<string> {
    yield hasNames ? text : `${head}\n${text}`
  }
  const rows: Row[] = []
  for await (const row of csvRows(texts(), ',', path)) rows.push(row)
  return rows
}

/** A text of a row. Throws DataError that names file, row and field. */
export function textOf(row: Row, name: string, where: string): string {
  const value = row[name]
  if (typeof value === 'string' && value !== '') return value
  throw new DataError(`${where}: ${name}: expected a text, got ${JSON.stringify(value) ?? 'nothing'}`)
}

/** `limit` of the rows, drawn by `seed`; all of them, in their order, where there are no more. */
export function sampleOf<T>(rows: readonly T[], limit: number, seed: number): T[] {
  if (rows.length <= limit) return [...rows]
  const random = new Random(`questions ${seed}`)
  const left = [...rows]
  return Array.from({ length: limit }, () => left.splice(random.between(0, left.length - 1), 1)[0]!)
}
