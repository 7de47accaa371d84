/** A fake model that answers with what it can read: the last locker code that its prompt tells, or "no". */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestOptions } from './test-server.ts'

const END = 256
const SPECIAL: Readonly<Record<number, string>> = { 256: '\u0001', 257: '\u0002', 258: '\u0003', 259: '\u0004' }

const charactersOf = (ids: readonly number[]): string =>
  ids.map((id) => SPECIAL[id] ?? String.fromCharCode(id)).join('')

/** Told, repeated in notes or replied before: whatever its state has read. */
export const answering: Pick<TestOptions, 'append' | 'next'> = {
  append: true,
  next(history) {
    const text = charactersOf(history)
    const begin = text.lastIndexOf('\u0003')
    const told = [...text.slice(0, begin).matchAll(/My locker code is (\w+)\.|it is (\w+)!/g)].at(-1)
    const answer = told ? `it is ${told[1] ?? told[2]}!` : 'no'
    return answer.charCodeAt(text.length - begin - 1) || END
  },
}

/** Which files of a folder hold a text: as its bytes in any case, or as tokens of the fake model, which are bytes too. */
export function holding(folder: string, secret: string): string[] {
  const asTokens = Buffer.from(Int32Array.from(Buffer.from(secret)).buffer)
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((file) => {
      const bytes = readFileSync(file)
      return bytes.includes(asTokens) || bytes.toString('latin1').toLowerCase().includes(secret.toLowerCase())
    })
}
