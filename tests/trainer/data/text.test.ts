import { mkdir, mkdtemp, open as openFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openText } from '../../../runtime/text.ts'
import type { Batch, Dataset } from '../../../trainer/data/batch.ts'
import { createShardWriter } from '../../../trainer/data/shards.ts'
import { textDataset, type TextOptions } from '../../../trainer/data/text.ts'
import { chatTokens } from '../../../trainer/tokenizer/format.ts'
import { byteTokenizer } from '../../../trainer/tokenizer/train.ts'

const bytes = openText(byteTokenizer(chatTokens))
const keeper = openText(join(import.meta.dirname, '../../../trainer/tokenizer/keeper'))
const [eos] = bytes.eos
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mneme-text-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('textDataset', () => {
  test('a row reads the whole file in order, whatever the size of the pieces', async () => {
    const text = words(9000)
    const path = await write('whole.txt', text)
    for (const codec of [bytes, keeper]) {
      const whole = [...codec.encode(text), ...codec.eos]
      const data = await textDataset({ paths: [path], codec, batch: 1, sequenceLength: 100 })
      const { ids, carries } = await firstDocument(data)
      expect(ids).toEqual(whole)
      expect(carries.every((carry, i) => carry === (i === 0 ? 0 : 1))).toBe(true)
    }
  })

  test('rows side by side cover the text once and begin with zero state', async () => {
    const text = words(4000)
    const path = await write('rows.txt', text)
    const data = await textDataset({ paths: [path], codec: bytes, batch: 4, sequenceLength: 64 })
    const rows = await collect(data, 4, 64, text.length)
    const parts = rows.map((row) => bytes.decode(row))
    expect(parts.every((part) => part.length > text.length / 5)).toBe(true)
    expect(parts.join('')).toBe(text)
  })

  test('interrupted and continued gives the same batches as uninterrupted, for every kind of file', async () => {
    const paths = {
      text: [await write('a.txt', words(700)), await write('b.txt', words(90))],
      lines: [await write('c.jsonl', jsonl(40))],
      mixed: [
        await write('d.txt', words(300)),
        await write('e.jsonl', jsonl(30)),
        await shards('f', [300, 5, 40, 700, 1]),
      ],
    }
    const plan = fc.record({
      kind: fc.constantFrom('text' as const, 'lines' as const, 'mixed' as const),
      batch: fc.integer({ min: 1, max: 3 }),
      sequenceLength: fc.integer({ min: 1, max: 90 }),
      heldOut: fc.constantFrom(0, 0.3),
      steps: fc.integer({ min: 0, max: 60 }),
    })
    await fc.assert(
      fc.asyncProperty(plan, async ({ kind, batch, sequenceLength, heldOut, steps }) => {
        const options: TextOptions = { paths: paths[kind], codec: bytes, batch, sequenceLength, heldOut }
        const [whole, resumed] = [await textDataset(options), await textDataset(options)]
        for (let step = 0; step < steps; step++) await whole.next()
        await resumed.seek(JSON.parse(JSON.stringify(whole.position())))
        for (let step = 0; step < 8; step++) expect(await resumed.next()).toEqual(await whole.next())
      }),
      { numRuns: 40 },
    )
  })

  test('a held-out part shares no text with the training part', async () => {
    const text = Array.from({ length: 2000 }, (_, i) => `w${i}`).join(' ')
    const path = await write('held.txt', text)
    const seen = async (part: 'train' | 'heldout'): Promise<Set<string>> => {
      const data = await textDataset({ paths: [path], codec: bytes, batch: 1, sequenceLength: 50, heldOut: 0.2, part })
      const { ids } = await firstDocument(data)
      return new Set(bytes.decode(ids).trim().split(' '))
    }
    const [train, heldout] = [await seen('train'), await seen('heldout')]
    expect([...heldout].filter((word) => train.has(word))).toEqual([])
    expect(train.size + heldout.size).toBe(2000)
    expect(heldout.size / 2000).toBeCloseTo(0.2, 1)
  })

  test('short documents share a piece while they fit, and the rest weighs nothing', async () => {
    const path = await write(
      'short.jsonl',
      ['abc', 'defg', 'hijklmnop'].map((text) => JSON.stringify({ text })).join('\n'),
    )
    const data = await textDataset({ paths: [path], codec: bytes, batch: 1, sequenceLength: 12 })
    const batch = await data.next()
    expect(bytes.decode([...batch.ids])).toBe('abcdefg')
    expect([...batch.weights]).toEqual([1, 1, 1, 0, 1, 1, 1, 1, 0, 0, 0, 0])
    expect(bytes.decode([...(await data.next()).ids])).toBe('hijklmnop')
  })

  test('of a chat only the replies weigh', async () => {
    const messages = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Yo' },
    ]
    const path = await write('chat.jsonl', JSON.stringify({ messages }))
    const { ids, targets, weights } = await (
      await textDataset({ paths: [path], codec: bytes, batch: 1, sequenceLength: 8, mode: 'instruct' })
    ).next()
    expect([...ids]).toEqual(bytes.encodeWithSpecial('<|user|>Hi<|end|><|assistant|>Yo<|end|>'))
    const learned = [...targets].filter((_, i) => weights[i] === 1)
    expect(learned).toEqual(bytes.encodeWithSpecial('Yo<|end|>'))
  })

  test('a document of a shard begins with zero state', async () => {
    const path = await shards('docs', [30, 30])
    const data = await textDataset({ paths: [path], codec: bytes, batch: 1, sequenceLength: 20 })
    const carries: number[] = []
    for (let i = 0; i < 6; i++) carries.push((await data.next()).carry[0] as number)
    expect(carries).toEqual([0, 1, 0, 1, 0, 1])
  })

  test('memory does not grow with the file', async () => {
    const path = join(folder, 'large.txt')
    const file = await openFile(path, 'w')
    const block = words(240_000)
    for (let i = 0; i < 60; i++) await file.writeFile(block)
    await file.close()
    const cheap = { ...bytes, encode: (text: string) => [...Buffer.from(text)] }
    const before = await memoryInUse()
    const data = await textDataset({ paths: [path], codec: cheap, batch: 4, sequenceLength: 4096 })
    for (let i = 0; i < 300; i++) await data.next()
    expect(block.length * 60).toBeGreaterThan(60e6)
    expect((await memoryInUse()) - before).toBeLessThan(8e6)
  })
})

describe('bad training data', () => {
  test('an empty file is refused', async () => {
    await expect(open([await write('empty.txt', '')])).rejects.toThrow('empty.txt: the file is empty')
  })

  test('text that is not UTF-8 is refused with file and byte', async () => {
    for (const [at, wrong] of [
      [0, [0xff]],
      [700, [0xc3, 0x28]],
      [20_000, [0xe2, 0x82]],
      [33_002, [0xed, 0xa0, 0x80]],
    ] as const) {
      const text = Buffer.concat([
        Buffer.from('é a'.repeat(10_000)).subarray(0, at),
        Buffer.from(wrong),
        Buffer.from(' end'),
      ])
      const path = join(folder, 'latin.txt')
      await writeFile(path, text)
      await expect(open([path])).rejects.toThrow(
        `latin.txt: expected UTF-8 text, got a byte that does not belong there at byte ${at}`,
      )
    }
  })

  test('lines that are not JSON, and files of blank lines, are refused with their place', async () => {
    const broken = open([await write('broken.jsonl', '{"text":"fine"}\n{"text":"fi')])
    await expect(broken).rejects.toThrow('broken.jsonl: line 2: expected a JSON object: it ends too early')
    const blank = open([await write('blank.jsonl', '\n\n\n')])
    await expect(blank).rejects.toThrow('blank.jsonl: expected text, found only empty lines')
  })

  test('shards of another vocabulary are refused', async () => {
    await expect(open([await shards('other', [10], 300)])).rejects.toThrow(
      'other: expected tokens of a vocabulary of 260, got one of 300',
    )
  })

  test('shards with other ids or sizes than they should have are refused', async () => {
    const path = await shards('broken', [50])
    const wrong = await openFile(join(path, 'shard-00000.bin'), 'r+')
    await wrong.write(Buffer.from([0xff, 0xff]), 0, 2, 20)
    await expect(open([path])).rejects.toThrow(/shard-00000\.bin: expected sha256 .*: the shard was changed or cut/)
    await wrong.truncate(30)
    await wrong.close()
    await expect(open([path])).rejects.toThrow('shard-00000.bin: expected 100 bytes, got 30')
  })

  test('a file that is not there, a folder without text, too little text and other files are refused', async () => {
    await expect(open([join(folder, 'none.txt')])).rejects.toThrow('none.txt: the file cannot be read')
    await mkdir(join(folder, 'hollow'))
    await expect(open([join(folder, 'hollow')])).rejects.toThrow('found none')
    await expect(open([await write('tiny.txt', 'x')], { batch: 8 })).rejects.toThrow('expected text, got 1 bytes')
    const only = await write('only.jsonl', '{"text":"the only document"}')
    await expect(open([only], { heldOut: 0.1, part: 'heldout' })).rejects.toThrow(
      /held-out data: expected text, got 0 bytes or tokens; of 28 a share of 0\.1 is held out \(--held-out-share, 0 for none\)/,
    )
    const data = await open([await write('one.txt', words(10))])
    const other = await open([await write('one.txt', words(10)), await write('two.txt', words(10))])
    await expect(other.seek(data.position())).rejects.toThrow('expected the 1 files that the run began with, got 2')
  })
})

/** Bytes that are still needed, after a garbage collection. */
async function memoryInUse(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let i = 0; i < 3; i++) {
    collect()
    await setImmediate()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function open(paths: string[], more: Partial<TextOptions> = {}): Promise<Dataset> {
  return textDataset({ paths, codec: bytes, batch: 1, sequenceLength: 16, ...more })
}

async function write(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text)
  return join(folder, name)
}

/** Documents of the given lengths; ids count upwards. */
async function shards(name: string, lengths: readonly number[], vocab = bytes.vocabSize): Promise<string> {
  const writer = await createShardWriter(join(folder, name), { vocab, tokenizer: '' }, 400)
  for (const length of lengths)
    await writer.add(
      Array.from({ length }, (_, i) => i % 250),
      true,
    )
  await writer.close()
  return join(folder, name)
}

function words(count: number): string {
  const alphabet = ['tree', 'naïve', 'x', '😀', 'K7-QX3.', '12', "don't", '\n', 'longer-word', ' ', '日本語']
  return Array.from({ length: count }, (_, i) => alphabet[(i * i + 3 * i) % alphabet.length])
    .join(' ')
    .trim()
}

function jsonl(count: number): string {
  return Array.from({ length: count }, (_, i) => JSON.stringify({ text: words(1 + ((i * 7) % 30)) })).join('\n')
}

/** The ids of the first document of a dataset of one row. */
async function firstDocument(data: Dataset): Promise<{ ids: number[]; carries: number[] }> {
  const ids: number[] = []
  const carries: number[] = []
  for (;;) {
    const batch = await data.next()
    if (ids.length > 0 && batch.carry[0] === 0) return { ids, carries }
    carries.push(batch.carry[0] as number)
    for (let t = 0; t < batch.ids.length; t++)
      if (batch.weights[t] === 1)
        ids.push(...(ids.length === 0 ? [batch.ids[t] as number] : []), batch.targets[t] as number)
  }
}

/** The ids of each row until it begins again, the padding removed. */
async function collect(data: Dataset, rows: number, sequenceLength: number, most: number): Promise<number[][]> {
  const ids: number[][] = Array.from({ length: rows }, () => [])
  const done = new Set<number>()
  for (let read = 0; read < most && done.size < rows; read += sequenceLength) {
    const batch: Batch = await data.next()
    ids.forEach((row, index) => {
      if (row.length > 0 && batch.carry[index] === 0) done.add(index)
      if (done.has(index)) return
      for (let t = index * sequenceLength; t < (index + 1) * sequenceLength; t++) {
        if (batch.weights[t] !== 1) continue
        if (row.length === 0) row.push(batch.ids[t] as number)
        row.push(batch.targets[t] as number)
      }
    })
  }
  return ids.map((row) => row.filter((id) => id !== eos))
}
