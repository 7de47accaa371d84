/** Runs that go on after their data was mended, and do not after it was changed. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { openText } from '../../../runtime/text.ts'
import type { Dataset, JsonValue } from '../../../trainer/data/batch.ts'
import { textDataset } from '../../../trainer/data/text.ts'
import { chatTokens } from '../../../trainer/tokenizer/format.ts'
import { byteTokenizer } from '../../../trainer/tokenizer/train.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const bytes = openText(byteTokenizer(chatTokens))
const text = Array.from({ length: 6000 }, (_, i) => `word${(i * 7919) % 1000}`).join(' ')
const lines = Array.from({ length: 300 }, (_, i) => JSON.stringify({ text: `line ${i} has ${'x'.repeat(i % 90)}` }))

const open = (path: string, batch: number): Promise<Dataset> =>
  textDataset({ paths: [path], codec: bytes, batch, sequenceLength: 64 })

const saved = (data: Dataset): JsonValue => JSON.parse(JSON.stringify(data.position())) as JsonValue

/** What each row gives from now on until it begins again. */
async function rest(data: Dataset, batch: number): Promise<string[]> {
  const ids: number[][] = Array.from({ length: batch }, () => [])
  const passes = (): number[] =>
    (data.position() as unknown as { rows: { pass: number }[] }).rows.map(({ pass }) => pass)
  while (data.epoch!() === 0) {
    const before = passes()
    const { targets, weights } = await data.next()
    for (let row = 0; row < batch; row++)
      for (let t = row * 64; t < (row + 1) * 64; t++)
        if (before[row] === 0 && weights[t] === 1) ids[row]!.push(targets[t]!)
  }
  return ids.map((row) => bytes.decode(row))
}

test('a run goes on in a text that was mended behind what it has read, to another length too', async () => {
  for (const [wrong, mended] of [
    ['word77', 'word077'],
    ['word77', ''],
    ['word77', 'a longer piece of text that was missing'],
  ] as const) {
    const path = join(temporaryFolder(), 'text.txt')
    writeFileSync(path, text)
    const data = await open(path, 3)
    for (let step = 0; step < 20; step++) await data.next()
    const position = saved(data)
    const at = text.indexOf(wrong, text.length / 2)
    writeFileSync(path, text.slice(0, at) + mended + text.slice(at + wrong.length))
    const resumed = await open(path, 3)
    await resumed.seek(position)
    const [before, after] = [await rest(await reopened(text, position), 3), await rest(resumed, 3)]
    expect(after[0], 'the row before the mended place').toBe(before[0])
    expect(after[2], 'the row behind it, whose text has moved').toBe(before[2])
    expect(after[1], 'the row with the mended place').toContain(mended === '' ? 'word' : mended)
    expect(after[1]!.length - before[1]!.length).toBe(mended.length - wrong.length)
  }
})

async function reopened(content: string, position: JsonValue): Promise<Dataset> {
  const path = join(temporaryFolder(), 'text.txt')
  writeFileSync(path, content)
  const data = await open(path, 3)
  await data.seek(position)
  return data
}

test('a run goes on in rows of which later ones were mended', async () => {
  const path = join(temporaryFolder(), 'rows.jsonl')
  writeFileSync(path, lines.join('\n'))
  const data = await open(path, 2)
  for (let step = 0; step < 5; step++) await data.next()
  const position = saved(data)
  writeFileSync(path, lines.with(140, '{"text":"it was mended"}').join('\n'))
  const resumed = await open(path, 2)
  await resumed.seek(position)
  expect((await rest(resumed, 2))[0]).toContain('was mended')
})

test('a run does not go on where text that it has read was changed, whatever its length, in any pass', async () => {
  const plan = fc.record({
    steps: fc.integer({ min: 1, max: 400 }),
    batch: fc.integer({ min: 1, max: 3 }),
    same: fc.boolean(),
    rows: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(plan, async ({ steps, batch, same, rows }) => {
      const path = join(temporaryFolder(), rows ? 'rows.jsonl' : 'text.txt')
      const content = rows ? lines.join('\n') : text
      writeFileSync(path, content)
      const data = await open(path, batch)
      for (let step = 0; step < steps; step++) await data.next()
      const position = saved(data)
      const resumed = await open(path, batch)
      await resumed.seek(position)
      for (let step = 0; step < 3; step++) expect(await resumed.next()).toEqual(await data.next())
      const [wrong, other] = rows ? ['line 0', same ? 'line 9' : 'line 00'] : ['word0', same ? 'word9' : 'word00']
      writeFileSync(path, content.replace(wrong, other))
      const changed = await open(path, batch)
      await expect(changed.seek(position)).rejects.toThrow(
        /(text\.txt|rows\.jsonl): the text from byte 0 on that this run has read is not there any more; resume with the data as it was/,
      )
    }),
    { numRuns: 15 },
  )
})

test('a position of an earlier version, without hashes, goes on where the sizes are the same', async () => {
  const path = join(temporaryFolder(), 'text.txt')
  writeFileSync(path, text)
  const data = await open(path, 2)
  for (let step = 0; step < 9; step++) await data.next()
  const { sizes, rows } = saved(data) as unknown as { sizes: number[]; rows: object[] }
  const old = JSON.parse(JSON.stringify({ sizes, rows: rows.map((row) => ({ ...row, read: undefined })) })) as JsonValue
  const resumed = await open(path, 2)
  await resumed.seek(old)
  expect(await resumed.next()).toEqual(await data.next())
  writeFileSync(path, `${text} more`)
  await expect((await open(path, 2)).seek(old)).rejects.toThrow(
    'text.txt: expected as many bytes or tokens as the run began with',
  )
})
