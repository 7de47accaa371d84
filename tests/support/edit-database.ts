/** Changes the database of a data folder that no server uses. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Runs one statement, with a value for its mark, in a process of its own: the lock on the database ends with it. */
export function editDatabase(folder: string, sql: string, value?: string | number | Buffer): void {
  const script = `
    const database = new (require('libsql'))(process.argv[1])
    const value = JSON.parse(process.argv[3])
    // As a list: libsql takes a single Buffer for named parameters.
    const values = value?.type === 'Buffer' ? [Buffer.from(value.data)] : value === null ? [] : [value]
    if (values.length > 0) database.prepare(process.argv[2]).run(values)
    else database.exec(process.argv[2])
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  `
  const args = ['-e', script, join(folder, 'mneme.db'), sql, JSON.stringify(value ?? null)]
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`editing ${folder} failed: ${stderr}`)
}

/** The first row of a query. */
export function readRow(folder: string, sql: string): Record<string, unknown> {
  const script = `
    const database = new (require('libsql'))(process.argv[1])
    process.stdout.write(JSON.stringify(database.prepare(process.argv[2]).get()))
  `
  const args = ['-e', script, join(folder, 'mneme.db'), sql]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`reading ${folder} failed: ${stderr}`)
  return JSON.parse(stdout) as Record<string, unknown>
}
