import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { lockRun, RunLockedError } from '../../trainer/run-lock.ts'
import { temporaryFolder } from '../support/temporary.ts'

const holder = { pid: process.pid, started: '1', host: hostname(), since: '2026-01-01T00:00:00.000Z' }

/** A folder with the lock of somebody else. */
function lockedBy(more: Partial<typeof holder> | string): string {
  const run = temporaryFolder()
  writeFileSync(join(run, 'lock'), typeof more === 'string' ? more : JSON.stringify({ ...holder, ...more }))
  return run
}

test('a second process is refused in one sentence that names the first, and may train once that is done', async () => {
  const run = join(temporaryFolder(), 'new', 'run')
  const release = await lockRun(run)
  await expect(lockRun(run)).rejects.toThrow(RunLockedError)
  await expect(lockRun(run)).rejects.toThrow(
    new RegExp(`^${run}: process ${process.pid} on ${hostname()} trains in it since [^ ]+Z; stop it first, or choose`),
  )
  await release()
  await (
    await lockRun(run)
  )()
  expect(readdirSync(run)).toEqual([])
})

test('a process that was killed with -9 does not leave its run locked', async () => {
  const run = temporaryFolder()
  const child = spawn(process.execPath, ['--import', 'tsx', 'tests/support/lock-process.ts', run])
  await once(child.stdout, 'data')
  await expect(lockRun(run)).rejects.toThrow(`process ${child.pid} `)
  child.kill('SIGKILL')
  await once(child, 'exit')
  const release = await lockRun(run)
  expect(JSON.parse(readFileSync(join(run, 'lock'), 'utf8'))).toMatchObject({ pid: process.pid })
  await release()
})

test('a lock whose number another process has now, or that says nothing, is taken over', async () => {
  for (const stale of [{ started: '1' }, { pid: 2 ** 22 + 1 }, 'damaged', '']) {
    const run = lockedBy(stale)
    await (
      await lockRun(run)
    )()
    expect(readdirSync(run)).toEqual([])
  }
})

test('a lock of another machine is left alone, and the sentence says which file to remove', async () => {
  const run = lockedBy({ host: 'elsewhere' })
  await expect(lockRun(run)).rejects.toThrow(`on elsewhere trains in it`)
  await expect(lockRun(run)).rejects.toThrow(`(if it is gone, remove ${join(run, 'lock')})`)
  expect(readdirSync(run)).toEqual(['lock'])
})

test('of many that find the lock of a dead process at once, one gets it', async () => {
  for (let round = 0; round < 20; round++) {
    const run = lockedBy({ started: '1' })
    const results = await Promise.allSettled(Array.from({ length: 12 }, () => lockRun(run)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(readdirSync(run)).toEqual(['lock'])
  }
})
