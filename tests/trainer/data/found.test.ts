/** Training data as people have it: ../shared/cases 13 to 17, made here, and more of their kind. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openText, type TextCodec } from '../../../runtime/text.ts'
import type { Dataset } from '../../../trainer/data/batch.ts'
import { textDataset, type TextOptions } from '../../../trainer/data/text.ts'
import { chatTokens } from '../../../trainer/tokenizer/format.ts'
import { byteTokenizer } from '../../../trainer/tokenizer/train.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const bytes = openText(byteTokenizer(chatTokens))
const keeper = openText(join(import.meta.dirname, '../../../trainer/tokenizer/keeper'))

function written(name: string, content: string | Uint8Array): string {
  const path = join(temporaryFolder(), name)
  writeFileSync(path, content)
  return path
}

const open = (paths: string | string[], more: Partial<TextOptions> = {}): Promise<Dataset> =>
  textDataset({ paths: [paths].flat(), codec: bytes, batch: 1, sequenceLength: 32, ...more })

/** The text that each row gives in its first pass. */
async function textOf(data: Dataset, rows: number, codec: TextCodec = bytes): Promise<string[]> {
  const ids: number[][] = Array.from({ length: rows }, () => [])
  while (data.epoch!() === 0) {
    const { rows: places } = data.position() as { rows: { pass: number }[] }
    const { ids: inputs, targets, weights } = await data.next()
    const after = (data.position() as { rows: { inside: boolean }[] }).rows
    const length = inputs.length / rows
    for (let row = 0; row < rows; row++) {
      if (places[row]!.pass > 0) continue
      ids[row]!.push(...inputs.subarray(row * length, (row + 1) * length))
      // The last token of a document is no input where it would be the first of a piece
      const last = (row + 1) * length - 1
      if (weights[last] === 1 && !after[row]!.inside) ids[row]!.push(targets[last]!)
    }
  }
  return ids.map((row) => codec.decode(row.filter((id) => !codec.eos.includes(id))))
}

const chinese = Array.from(
  { length: 400 },
  (_, i) => `老在頂橋裡石群路在有石山群人${'水路看山'[i % 4]}雨坊過群頂。\n`,
).join('')

describe('text without single spaces', () => {
  const texts: [name: string, text: string][] = [
    ['Chinese', chinese],
    ['Chinese in one line', chinese.replaceAll('\n', '')],
    ['a list of words', Array.from({ length: 2000 }, (_, i) => `word${i}\n`).join('')],
    ['a table', Array.from({ length: 1000 }, (_, i) => `${i}\t${i * i}\t${i % 7}\n`).join('')],
    ['DNA', Array.from({ length: 20_000 }, (_, i) => 'ACGT'[(i * i * 7 + i) % 4]).join('')],
    ['Japanese with wide spaces', '日本語　の文、です。'.repeat(900)],
  ]
  test.each(texts)('%s is cut into rows that cover it once, in order', async (_, text) => {
    for (const codec of [bytes, keeper]) {
      const data = await open(written('found.txt', text), { codec, batch: 4 })
      const parts = await textOf(data, 4, codec)
      expect(parts.join('') === text, 'the rows one after another are the text').toBe(true)
      for (const part of parts) expect(part.length).toBeGreaterThan(text.length / 5)
    }
  })

  test('pieces have the ids of the whole where lines or marks part the words', async () => {
    const paragraphs = `${chinese}\n\n${'Fish,chips;peas.'.repeat(3000)}`
    for (const codec of [bytes, keeper]) {
      const data = await open(written('lines.txt', paragraphs), { codec, sequenceLength: 100 })
      const ids: number[] = []
      while (data.epoch!() === 0) {
        const batch = await data.next()
        if (ids.length === 0) ids.push(batch.ids[0]!)
        for (const [t, weight] of batch.weights.entries()) if (weight === 1) ids.push(batch.targets[t]!)
      }
      const whole = [...codec.encode(paragraphs), ...codec.eos]
      expect(ids.length).toBe(whole.length)
      expect(ids.findIndex((id, i) => id !== whole[i])).toBe(-1)
    }
  })
})

describe('files that are not UTF-8 text are refused by what they are, before the first step', () => {
  const utf16 = (text: string, order: 'le' | 'be'): Buffer => {
    const little = Buffer.from(`\uFEFF${text}`, 'utf16le')
    return order === 'le' ? little : little.swap16()
  }
  test.each([
    ['UTF-16', utf16('A book.\n'.repeat(99), 'le'), /a\.txt: .*UTF-16.*iconv -f UTF-16 -t UTF-8/],
    ['UTF-16 of the other byte order', utf16('A book.\n'.repeat(99), 'be'), /UTF-16/],
    ['UTF-16 without a byte order mark', utf16('A book.\n'.repeat(99), 'le').subarray(2), /UTF-16/],
    ['a zip file', Buffer.from('PK\u0003\u0004 and so on'), /zip/],
    ['a PDF', Buffer.from('%PDF-1.7 and so on'), /PDF/],
    ['zstandard', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3]), /Zstandard.*zstd -d/],
    ['something with zeros', Buffer.from([1, 2, 0, 0, 0, 3, 200, 4]), /binary/],
  ])('%s', async (_, content, sentence) => {
    await expect(open(written('a.txt', content))).rejects.toThrow(sentence)
  })

  test('a wrong byte far behind the first batch, with its place', async () => {
    const content = Buffer.alloc(80_000, 'fine words ')
    content[60_000] = 0xe9
    await expect(open(written('late.txt', content))).rejects.toThrow(
      'late.txt: expected UTF-8 text, got a byte that does not belong there at byte 60000',
    )
  })
})

describe('a folder as it is found', () => {
  /** A text, its twin and .DS_Store of a Mac, a text in capitals, hidden and foreign folders, an empty file, a broken link. */
  function found(): string {
    const folder = temporaryFolder()
    const put = (path: string, content: string | Uint8Array): void => {
      mkdirSync(join(folder, path, '..'), { recursive: true })
      writeFileSync(join(folder, path), content)
    }
    put('book.txt', 'the book '.repeat(50))
    put('._book.txt', Buffer.from([0, 5, 22, 7, 0xff, 0xfe]))
    put('.DS_Store', 'x')
    put('MORE.TXT', 'and more '.repeat(50))
    put('.cache/notes.md', 'hidden notes '.repeat(50))
    put('node_modules/left-pad/README.md', 'a foreign readme '.repeat(50))
    put('deep/er/page.md', 'a page '.repeat(50))
    put('empty.txt', '')
    put('cover.jpg', 'jpg')
    symlinkSync(join(folder, 'nowhere.txt'), join(folder, 'broken.txt'))
    return folder
  }

  test('is read without what is hidden, foreign, empty or broken, and says what was left out', async () => {
    const folder = found()
    const data = await open(folder)
    const [text] = await textOf(data, 1)
    for (const kept of ['the book', 'and more', 'a page']) expect(text).toContain(kept)
    for (const left of ['hidden notes', 'foreign readme']) expect(text).not.toContain(left)
    expect(data.description).toContain('3 files')
    const notes = data.notes!.join('\n')
    for (const name of ['._book.txt', '.DS_Store', '.cache', 'node_modules', 'empty.txt', 'broken.txt', 'cover.jpg'])
      expect(notes).toContain(name)
  })

  test('is refused with what was left out where nothing remains', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'photo.jpg'), 'jpg')
    await expect(open(folder)).rejects.toThrow(/expected .*\.txt.* found none.*photo\.jpg/s)
  })
})

describe('rows that cannot be used', () => {
  const chat = (n: number) => ({
    messages: [
      { role: 'user', content: `Say ${n}.` },
      { role: 'assistant', content: `It is ${n}.` },
    ],
  })
  const lines = (rows: readonly unknown[]): string =>
    rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n')
  const tool = {
    messages: [
      { role: 'user', content: 'What time is it?' },
      { role: 'assistant', content: null, tool_calls: [] },
      { role: 'tool', content: '10:05' },
    ],
  }

  test('are left out and counted before the first step, the first with its line and reason', async () => {
    const rows = Array.from({ length: 121 }, (_, i) => (i === 60 ? tool : chat(i)))
    const data = await open(written('chats.jsonl', lines(rows)), { mode: 'instruct', sequenceLength: 64 })
    expect(data.notes!.join()).toMatch(/chats\.jsonl: 1 of 121 lines left out; line 61: messages\[1\]\.content: .*null/)
    const texts = Array.from({ length: 121 }, (_, i) => ({ text: i === 60 ? null : `text ${i}` }))
    const other = await open(written('texts.jsonl', lines(texts)))
    expect(other.notes!.join()).toMatch(/texts\.jsonl: 1 of 121 lines left out; line 61: .*null/)
    const [text] = await textOf(other, 1)
    expect(text).toContain('text 59')
    expect(text).toContain('text 61')
  })

  test('are refused where no row can be used, with the fields that are there', async () => {
    const rows = Array.from({ length: 9 }, (_, i) => ({ question: `What is ${i}?`, answer: `It is ${i}.` }))
    await expect(open(written('gsm8k.jsonl', lines(rows)))).rejects.toThrow(
      /gsm8k\.jsonl: line 1: expected "text".* found question, answer.*--prompt-field/s,
    )
    const fields = { text: 'text', messages: 'messages', prompt: 'question', completion: 'answer' }
    const data = await open(written('gsm8k.jsonl', lines(rows)), { mode: 'instruct', fields })
    const { targets, weights } = await data.next()
    expect(bytes.decode([...targets].filter((_, i) => weights[i] === 1))).toBe('It is 0.')
  })

  test('a line that is not JSON is refused with its number', async () => {
    const path = written('broken.jsonl', lines([...Array.from({ length: 500 }, (_, i) => chat(i)), '{"messages": [']))
    await expect(open(path)).rejects.toThrow(/broken\.jsonl: line 501: expected a JSON object/)
  })

  test('five documents train in eight rows, held-out text included, and the idle rows are said', async () => {
    const texts = Array.from({ length: 5 }, (_, i) => ({ text: `document ${i} `.repeat(200) }))
    const path = written('five.jsonl', lines(texts))
    const train = await open(path, { batch: 8, heldOut: 0.1, part: 'train' })
    const heldOut = await open(path, { batch: 8, heldOut: 0.1, part: 'heldout' })
    expect(train.notes!.join()).toMatch(/4 of 8 rows have a document.*--set batch=4/)
    const sum = async (data: Dataset): Promise<number> => (await data.next()).weights.reduce((a, b) => a + b, 0)
    expect(await sum(train)).toBe(4 * 32)
    expect(await sum(heldOut)).toBe(32)
  })
})

describe('files of other formats', () => {
  const rows = [{ text: 'one, with a comma' }, { text: 'two "quoted"\nover lines' }, { text: 'drei — 日本' }]
  const csv = 'id,text\r\n1,"one, with a comma"\r\n2,"two ""quoted""\nover lines"\r\n3,drei — 日本\r\n'
  const tsv = 'id\ttext\n1\tone, with a comma\n2\t"two ""quoted""\nover lines"\n3\tdrei — 日本\n'
  const jsonl = rows.map((row) => JSON.stringify(row)).join('\n')
  const expected = rows.map(({ text }) => text).join('')

  test.each([
    ['rows.csv', csv],
    ['rows.tsv', tsv],
    ['ROWS.CSV', `\uFEFF${csv}`],
    ['rows.json', JSON.stringify(rows, null, 2)],
    ['rows.json', jsonl],
    ['rows.ndjson', jsonl],
    ['rows.jsonl.gz', gzipSync(jsonl)],
    ['rows.csv.gz', gzipSync(csv)],
    ['rows.txt.gz', gzipSync(expected)],
  ])('%s is read', async (name, content) => {
    expect((await textOf(await open(written(name, content), { sequenceLength: 200 }), 1)).join('')).toBe(expected)
  })

  test.each([
    ['cut.csv', 'id,text\n1,"never closed', /cut\.csv: row 1: .*quote/],
    ['uneven.csv', 'id,text\n1,one\n2\n', /uneven\.csv: row 2: expected 2 columns, got 1/],
    ['fields.csv', 'a,b\n1,2\n', /fields\.csv: row 1: expected "text".*found a, b/s],
    ['one.json', '{\n "text":\n "alone" }', /one\.json: .*one JSON object.*JSONL/],
    ['cut.jsonl.gz', gzipSync(jsonl).subarray(0, 30), /cut\.jsonl\.gz: .*gzip/],
    ['bad.json', '[{"text": "x"},', /bad\.json: /],
  ])('%s is refused by what it is', async (name, content, sentence) => {
    await expect(open(written(name, content))).rejects.toThrow(sentence)
  })

  test('whatever is written as CSV is read back', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r\n', ' ', 'é', '日'), minLength: 1 })
    await fc.assert(
      fc.asyncProperty(fc.array(cell, { minLength: 1, maxLength: 12 }), async (cells) => {
        const quoted = cells.map((text) => `x,"${text.replaceAll('"', '""')}"`)
        const data = await open(written('any.csv', `id,text\n${quoted.join('\n')}\n`), { sequenceLength: 500 })
        expect((await textOf(data, 1)).join('')).toBe(cells.join(''))
      }),
      { numRuns: 50 },
    )
  })
})
