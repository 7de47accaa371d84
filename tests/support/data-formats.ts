/** Data folders as earlier versions left them when they were killed. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { temporaryFolder } from './temporary.ts'

export interface OldTurn {
  readonly id: string
  readonly previous: string | null
  readonly text: string
}

/** A copy of the folder of a format, and the turns in it. They were made by the fake model, later ones than 1 with `append`. */
export function folderOfFormat(format: number): { folder: string; turns: readonly OldTurn[] } {
  const fixture = new URL(`../fixtures/data-format-${format}/`, import.meta.url)
  const folder = join(temporaryFolder(), 'data')
  mkdirSync(folder)
  for (const file of ['mneme.db', 'mneme.db-wal'])
    writeFileSync(join(folder, file), gunzipSync(readFileSync(new URL(`${file}.gz`, fixture))))
  const { turns } = JSON.parse(readFileSync(new URL('expected.json', fixture), 'utf8')) as { turns: OldTurn[] }
  return { folder, turns }
}
