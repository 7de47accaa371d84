import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { replaceFolder } from '../../runtime/replace-folder.ts'
import { compiled } from '../support/build.ts'
import { temporaryFolder } from '../support/temporary.ts'

const kind = {
  noun: 'a parcel',
  index: 'index.json',
  format: 'parcel',
  files: ({ files }: Readonly<Record<string, unknown>>) => files as string[],
}
const parcel = (text: string) => async (folder: string) => {
  await writeFile(join(folder, 'data.bin'), text)
  await writeFile(join(folder, 'index.json'), JSON.stringify({ format: 'parcel', files: ['data.bin'] }))
}

describe('a folder that is written whole', () => {
  test('takes the place of nothing, of an empty folder, and of its own kind; others may read it', async () => {
    const out = join(temporaryFolder(), 'a', 'b')
    await replaceFolder(out, kind, parcel('1'))
    await replaceFolder(out, kind, parcel('2'))
    expect(readFileSync(join(out, 'data.bin'), 'utf8')).toBe('2')
    expect(statSync(out).mode & 0o777).toBe(0o755)
    const empty = temporaryFolder()
    await replaceFolder(empty, kind, parcel('3'))
    expect(readdirSync(empty)).toEqual(['data.bin', 'index.json'])
  })

  test('leaves what was there, and nothing beside it, where the writing fails', async () => {
    const parent = temporaryFolder()
    const out = join(parent, 'out')
    await replaceFolder(out, kind, parcel('1'))
    await expect(replaceFolder(out, kind, () => Promise.reject(new Error('no more text')))).rejects.toThrow(
      'no more text',
    )
    expect(readFileSync(join(out, 'data.bin'), 'utf8')).toBe('1')
    expect(readdirSync(parent)).toEqual(['out'])
  })

  test('is never half there, also when the process is killed while it takes the place of another', async () => {
    const count = 400
    const parent = temporaryFolder()
    const out = join(parent, 'out')
    for (let kill = 0; kill < 5; kill++) {
      const args = [compiled('tests/support/replace-process.ts'), out, String(count)]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      await once(child.stdout, 'data')
      const inode = (): number | undefined => statSync(out, { throwIfNoEntry: false })?.ino
      const entries = (): number => (inode() === undefined ? count + 1 : filesOf(out))
      // At the moment at which the folder is seen to change, or after a while.
      const [before, since] = [inode(), performance.now()]
      while (inode() === before && entries() === count + 1 && performance.now() - since < 3000);
      child.kill('SIGKILL')
      await once(child, 'exit')
      expect(entries()).toBe(count + 1)
    }
    await replaceFolder(out, { ...kind, files: () => readdirSync(out) }, parcel('1'))
    expect(readdirSync(parent)).toEqual(['out'])
  })

  test.each([
    ['a file', (out: string) => writeFileSync(out, 'thesis'), 'found a file'],
    ['files of another kind', (out: string) => fill(out, { 'thesis.txt': '' }), 'found other files'],
    [
      'an index of another kind',
      (out: string) => fill(out, { 'index.json': '{"name":"a web page"}' }),
      'found other files',
    ],
    ['an index that is no JSON', (out: string) => fill(out, { 'index.json': '{' }), 'found other files'],
    [
      'its own kind with a file that is not listed',
      (out: string) => fill(out, { 'index.json': '{"format":"parcel","files":[]}', 'src/thesis.txt': '' }),
      'found thesis.txt beside it',
    ],
  ])('never takes the place of %s', async (_, make, found) => {
    const out = join(temporaryFolder(), 'out')
    make(out)
    const before = statSync(out).ino
    await expect(replaceFolder(out, kind, parcel('1'))).rejects.toThrow(
      `${out}: expected a parcel or an empty folder, ${found}; choose another --out`,
    )
    expect(statSync(out).ino).toBe(before)
  })
})

/** It may be put into another place meanwhile. */
function filesOf(folder: string): number {
  try {
    return readdirSync(folder).length
  } catch {
    return 0
  }
}

function fill(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
}
