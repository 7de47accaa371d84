/** JSON lines that come with the sources. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../runtime/package.ts'

/** The values of a file, by its path in the package: it is not compiled, so it lies where the sources do. */
export function ownLines<T>(path: string): T[] {
  const lines = readFileSync(join(packageRoot(), path), 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as T)
}
