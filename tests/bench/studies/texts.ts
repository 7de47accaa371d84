/** Texts of a study, each cut in a part to train on and its last tenth to measure on. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = join('runs', 'studies', 'texts')

/** Where the parts of a text lie once they are cut. */
export const partsOf = (name: string) => ({
  train: join(folder, `${name}.train.txt`),
  test: join(folder, `${name}.test.txt`),
})

/** Cuts the first `most` characters of a text of ../shared/data at a line. */
export function cut(name: string, most = Infinity): void {
  cutText(name, readFileSync(join('..', 'shared', 'data', `${name}.txt`), 'utf8').slice(0, most))
}

/** Cuts a text at a line. */
export function cutText(name: string, text: string): void {
  mkdirSync(folder, { recursive: true })
  const at = text.indexOf('\n', Math.floor(text.length * 0.9)) + 1
  const { train, test } = partsOf(name)
  writeFileSync(train, text.slice(0, at))
  writeFileSync(test, text.slice(at))
}
