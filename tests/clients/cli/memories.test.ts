import { expect, test } from 'vitest'
import { startGreedyServer } from '../greedy-server.ts'
import { runMneme } from './mneme-process.ts'

test('what is added in the terminal is found, corrected, listed and deleted there', async () => {
  const url = await startGreedyServer()
  const mneme = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await runMneme(['memories', ...args, '--url', url])
    expect([args, code, stderr]).toEqual([args, 0, ''])
    return stdout
  }
  const added = await mneme('add', 'My locker code is 4071.', '--user', 'ann')
  const id = /mem_\w+/.exec(added)?.[0] as string
  expect(added).toBe(`added: ${id}  [ann] My locker code is 4071.\n`)
  expect(await mneme('add', 'My locker code is 4071.', '--user', 'ann')).toContain('known already')
  await mneme('add', 'I like\ntea.', '--namespace', 'work')
  expect(await mneme('search', 'locker', '--limit', '1')).toBe(`1.0000  ${id}  [ann] My locker code is 4071.\n`)
  await mneme('update', id, 'My locker code is 9318.')
  expect(await mneme('history', id)).toMatch(
    /added {2}My locker code is 4071\.\n.*updated {2}My locker code is 9318\.\n$/,
  )
  expect(await mneme('list')).toMatch(
    /^mem_\w+ {2}\[work\] I like tea\.\nmem_\w+ {2}\[ann\] My locker code is 9318\.\n$/,
  )
  expect(JSON.parse(await mneme('list', '--namespace', 'work', '--json'))).toMatchObject([{ namespace: 'work' }])
  expect(await mneme('namespaces')).toBe('1  default\n1  work\n')
  expect(await mneme('delete', id)).toBe(`deleted: ${id}\n`)
  expect(await mneme('clear', '--namespace', 'work')).toBe('deleted: 1\n')
  expect(await mneme('list')).toBe('')
  const { code, stderr } = await runMneme(['memories', 'delete', id, '--url', url])
  expect([code, stderr]).toEqual([1, `mneme memories: There is no memory '${id}'.\n`])
  const all = await runMneme(['memories', 'clear', '--url', url])
  expect([all.code, all.stderr]).toEqual([1, expect.stringContaining('everything would be deleted')])
})
