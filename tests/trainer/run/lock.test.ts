import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { lockRun, RunLockedError } from '../../../trainer/run/lock.ts'
import { temporaryFolder } from '../../support/temporary.ts'

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
  expect(readdirSync(run)).toEqual(['lock.db'])
})

test('a process that was killed with -9 does not leave its run locked', async () => {
  const run = temporaryFolder()
  const child = spawn(process.execPath, ['--import', 'tsx', 'tests/support/lock-process.ts', run])
  await once(child.stdout, 'data')
  await expect(lockRun(run)).rejects.toThrow(`process ${child.pid} `)
  child.kill('SIGKILL')
  await once(child, 'exit')
  const release = await lockRun(run)
  expect(JSON.parse(readFileSync(join(run, 'lock.json'), 'utf8'))).toMatchObject({ pid: process.pid })
  await release()
})

test('of many that want a folder at once, one gets it', async () => {
  for (let round = 0; round < 20; round++) {
    const run = temporaryFolder()
    const results = await Promise.allSettled(Array.from({ length: 12 }, () => lockRun(run)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(RunLockedError)
      else await result.value()
  }
})
