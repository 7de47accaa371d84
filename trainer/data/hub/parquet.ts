/** Rows of a parquet file on the hub: the columns that are needed, one group of rows at a time. */
import { parquetMetadataAsync, parquetReadObjects, parquetSchema, type FileMetaData } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { DataError } from '../batch.ts'
import { fieldsOf, type Reading, wanted } from '../document.ts'
import type { LeftOut } from '../left-out.ts'
import type { RemoteFile } from './client.ts'
import { documentOrLeftOut, type RowFile } from './row-file.ts'

/** Rows from the first to before the last one. */
interface Group {
  readonly from: number
  readonly to: number
}

/** Groups that stay in memory: rows of a batch that go on in the one before do not fetch it again. */
const keptGroups = 2

/** Opens a parquet file: reads its footer, no rows yet. Throws DataError where it is none or lacks the columns. */
export async function openParquetRows(
  remote: RemoteFile,
  where: string,
  reading: Reading,
  leftOut: LeftOut,
): Promise<RowFile> {
  const file = {
    byteLength: remote.size,
    slice: async (from: number, to = remote.size) => (await remote.bytes(from, to)).buffer,
  }
  const metadata = await footer(file, where)
  const columns = neededColumns(metadata, where, reading)
  const groups = groupsOf(metadata)
  const kept: { group: Group; rows: readonly unknown[] }[] = []

  async function rowsOf(group: Group): Promise<readonly unknown[]> {
    const known = kept.find((one) => one.group === group)
    if (known !== undefined) return known.rows
    const range = { rowStart: group.from, rowEnd: group.to }
    const rows = await parquetReadObjects({ file, metadata, columns, compressors, ...range }).catch(
      (cause: unknown) => {
        throw damaged(where, cause)
      },
    )
    kept.unshift({ group, rows })
    kept.length = Math.min(kept.length, keptGroups)
    return rows
  }

  return {
    async read(at) {
      const group = groups.find(({ to }) => at < to)
      if (group === undefined) return { document: undefined, next: undefined }
      const row = (await rowsOf(group))[at - group.from]
      const document = documentOrLeftOut(row, reading, `${where}: row ${at}`, leftOut)
      return { document, next: at + 1 < groups.at(-1)!.to ? at + 1 : undefined }
    },
  }
}

async function footer(file: Parameters<typeof parquetMetadataAsync>[0], where: string): Promise<FileMetaData> {
  try {
    return await parquetMetadataAsync(file)
  } catch (cause) {
    throw damaged(where, cause)
  }
}

function neededColumns(metadata: FileMetaData, where: string, reading: Reading): string[] {
  const there = parquetSchema(metadata).children.map(({ element }) => element.name)
  const needed = fieldsOf(reading).filter((name) => there.includes(name))
  if (needed.length === 0)
    throw new DataError(`${where}: expected columns ${wanted(reading)}, it has ${there.join(', ')}`)
  return needed
}

function groupsOf({ row_groups }: FileMetaData): Group[] {
  let from = 0
  return row_groups.flatMap(({ num_rows }) => {
    const group = { from, to: from + Number(num_rows) }
    from = group.to
    return group.to > group.from ? [group] : []
  })
}

/** What the network says stays as it is; anything else is the file's fault. */
function damaged(where: string, cause: unknown): DataError {
  if (cause instanceof DataError) return cause
  return new DataError(`${where}: expected a parquet file: ${(cause as Error).message}`, { cause })
}
