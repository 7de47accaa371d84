import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import native from 'tokenizers'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { openText } from '../../../runtime/text.ts'
import { textDataset } from '../../../trainer/data/text.ts'
import { tokenizeCommand, tokenizerCommand } from '../../../trainer/tokenizer/cli.ts'
import { chatTokens, writeTokenizer } from '../../../trainer/tokenizer/format.ts'
import { keeperVocabulary, makeKeeperTokenizer } from '../../../trainer/tokenizer/keeper/make.ts'
import { byteTokenizer, trainBpe, trainCharacters } from '../../../trainer/tokenizer/train.ts'
import { parquet, startHub } from '../../support/hub-server.ts'

const keeperFolder = join(import.meta.dirname, '../../../trainer/tokenizer/keeper')
const shared = join(import.meta.dirname, '../../../../shared/data')
const kinds = ['keeper', 'bpe', 'byte', 'char'] as const
let folder = ''

/** What tokenizers stumble over: white space of every sort, marks, joined emoji, half characters, look-alikes. */
const nasty = [
  ' ',
  '  a',
  'a  b',
  '\n\n a\t b\r\n',
  '\u00a0x',
  '\u0085x y',
  '\ufeffx',
  'x\u200b y',
  "I'll don't 's'S",
  'Zürich 😀👩‍👩‍👧 e\u0301',
  '½ ٣٤ 一二 12 345',
  'a_b-c K7-QX3.',
  '<|user|>hi<|end|>',
  '<0x41> Ġ Ċ',
  '\u0000\u0001\u007f',
  '\ud83d',
  'の日本語',
  'ﬁ ǅ',
  'x'.repeat(300),
  '   '.repeat(50),
  '\u2028\u2029',
  '\u3000 a',
  '\u180e b',
  '\u001c\u001d c',
  'ॐ नमस्ते',
]

const prose = Array.from(
  { length: 300 },
  (_, i) => `The ${['quick', 'slow', 'naïve'][i % 3]} fox no. ${i} jumped over ${i * 7} dogs; "why?" it's unknown…\n`,
).join('')

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mneme-tokenizer-test-'))
  await writeTokenizer(join(folder, 'bpe'), await trainBpe({ texts: [prose], vocab: 400, special: chatTokens }))
  await writeTokenizer(join(folder, 'byte'), byteTokenizer(chatTokens))
  await writeTokenizer(join(folder, 'char'), await trainCharacters({ texts: [prose], vocab: 300, special: chatTokens }))
})
afterAll(() => rm(folder, { recursive: true }))

describe.each(kinds)('the %s tokenizer', (kind) => {
  test('gives the ids that the native library gives', async () => {
    const theirs = native.Tokenizer.fromFile(join(folderOf(kind), 'tokenizer.json'))
    const ours = openText(folderOf(kind))
    for (const text of [...nasty, prose, ...sharedText()]) {
      expect(ours.encodeWithSpecial(text), JSON.stringify(text.slice(0, 60))).toEqual(
        (await theirs.encode(text)).getIds(),
      )
    }
  })

  test('loses nothing, and takes special tokens in a text for text', () => {
    const codec = openText(folderOf(kind))
    for (const text of [...nasty, prose]) {
      if (text !== '\ud83d') expect(codec.decode(codec.encode(text))).toBe(text)
    }
    expect(codec.encode('<|end|>').length).toBeGreaterThan(1)
    expect(codec.encodeWithSpecial('<|end|>')).toEqual(codec.eos)
  })

  test('knows the chat format', () => {
    const codec = openText(folderOf(kind))
    const messages = [
      { role: 'developer' as const, content: 'Be brief.' },
      { role: 'user' as const, content: 'Hi <|end|>' },
    ]
    const [user, assistant, system, end] = chatTokens.map((token) => codec.encodeWithSpecial(token)[0])
    const expected = [system, ...codec.encode('Be brief.'), end, user, ...codec.encode('Hi <|end|>'), end, assistant]
    expect(codec.chat(messages, { continued: false, generate: true })).toEqual(expected)
  })
})

describe('training', () => {
  test('a smaller vocabulary is the beginning of a larger one', async () => {
    const learn = (vocab: number) => trainBpe({ texts: [prose], vocab, special: chatTokens })
    const [small, large] = await Promise.all([300, 500].map(learn))
    const merges = small?.tokenizer.model.merges ?? []
    expect(merges).toHaveLength(300 - 256 - 4)
    expect(large?.tokenizer.model.merges.slice(0, merges.length)).toEqual(merges)
  })

  test('digits stay alone, whatever is frequent', async () => {
    const { tokenizer } = await trainBpe({ texts: ['1234 K7-77 1234 '.repeat(500)], vocab: 300, special: [] })
    expect(Object.keys(tokenizer.model.vocab).filter((token) => /\d/.test(token) && token.length > 1)).toEqual([])
  })

  test('a character tokenizer has a token for each character of its text, as far as there is room', async () => {
    const lengths = async (vocab: number): Promise<number[]> => {
      await writeTokenizer(join(folder, 'characters'), await trainCharacters({ texts: ['ééé€€ß'], vocab, special: [] }))
      const codec = openText(join(folder, 'characters'))
      return ['é', '€', 'ß', 'a', 'é€ß'].map((text) => codec.encode(text).length)
    }
    expect(await lengths(300)).toEqual([1, 1, 1, 1, 3])
    expect(await lengths(258)).toEqual([1, 3, 1, 1, 5])
  })

  test('the committed keeper tokenizer is what its recipe makes', async () => {
    const { tokenizer, config } = await makeKeeperTokenizer()
    expect(tokenizer).toEqual(JSON.parse(readFileSync(join(keeperFolder, 'tokenizer.json'), 'utf8')))
    expect(config).toEqual(JSON.parse(readFileSync(join(keeperFolder, 'tokenizer_config.json'), 'utf8')))
    expect(openText(keeperFolder).vocabSize).toBe(keeperVocabulary)
  })

  test('a vocabulary too small or too large, and a special token that is text, are refused', async () => {
    const texts = [prose]
    await expect(trainBpe({ texts, vocab: 259, special: chatTokens })).rejects.toThrow(
      'expected 260 to 1000000 tokens, got 259',
    )
    await expect(trainBpe({ texts, vocab: 1_000_001, special: [] })).rejects.toThrow('got 1000001')
    await expect(trainCharacters({ texts, vocab: 200, special: [] })).rejects.toThrow(
      'expected 256 to 1000000 tokens, got 200',
    )
    expect(() => byteTokenizer(['a'])).toThrow('special token a: it is already a token of the text')
  })
})

describe('commands', () => {
  test('tokenizer and tokenize make shards whose tokens are those of the text', async () => {
    await writeFile(
      join(folder, 'talk.jsonl'),
      `${JSON.stringify({ text: prose })}\n\n${JSON.stringify({ text: 'short' })}\n`,
    )
    const [files, tokenizer, out] = [join(folder, 'talk.jsonl'), join(folder, 'made'), join(folder, 'shards')]
    await run(tokenizerCommand(), files, '--vocab', '310', '--out', tokenizer)
    await run(tokenizeCommand(), files, '--tokenizer', tokenizer, '--out', out)
    const codec = openText(tokenizer)
    expect(codec.vocabSize).toBe(310)
    const expected = [...codec.encode(prose), ...codec.eos, ...codec.encode('short'), ...codec.eos]
    const bytes = await readFile(join(out, 'shard-00000.bin'))
    expect([...new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2)]).toEqual(expected)
    const batch = await (await textDataset({ paths: [out], codec, batch: 1, sequenceLength: 50 })).next()
    expect([...batch.ids]).toEqual(expected.slice(0, 50))
  })

  test('tokenizer and tokenize read a split of a hub, which is then trained on without it', async () => {
    const files = { 'data/test.parquet': parquet({ body: [prose, 'short', 'shorter'] }, 2) }
    const hub = await startHub({ repo: 'own/texts', branches: { main: 'c1' }, commits: { c1: files } })
    vi.stubEnv('HF_ENDPOINT', hub.url)
    onTestFinished(async () => {
      vi.unstubAllEnvs()
      await hub.close()
    })
    const [tokenizer, out] = [join(folder, 'of-hub'), join(folder, 'hub-shards')]
    const rows = ['hub:own/texts', '--split', 'test', '--text-field', 'body']
    await run(tokenizerCommand(), ...rows, '--vocab', '300', '--out', tokenizer)
    await run(tokenizeCommand(), ...rows, '--tokenizer', tokenizer, '--out', out)
    const codec = openText(tokenizer)
    const bytes = await readFile(join(out, 'shard-00000.bin'))
    const ids = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2)
    expect([...ids]).toEqual([prose, 'short', 'shorter'].flatMap((text) => [...codec.encode(text), ...codec.eos]))
    expect(codec.vocabSize).toBe(300)
  })

  test('an empty file, no file, an unknown kind and a vocabulary that is no number are refused', async () => {
    const empty = join(folder, 'empty.txt')
    await writeFile(empty, '')
    const out = join(folder, 'refused')
    await expect(run(tokenizerCommand(), empty, '--out', out)).rejects.toThrow('empty.txt: the file is empty')
    await expect(run(tokenizerCommand(), '--out', out)).rejects.toThrow('expected text to learn from')
    await expect(run(tokenizerCommand(), empty, '--out', out, '--kind', 'x')).rejects.toThrow('Allowed choices are')
    await expect(run(tokenizerCommand(), empty, '--out', out, '--vocab', '0')).rejects.toThrow(
      'Expected a whole number',
    )
    expect(existsSync(out)).toBe(false)
  })

  test('text that is not UTF-8 is refused with its place before anything is made', async () => {
    const path = join(folder, 'latin.txt')
    await writeFile(path, Buffer.concat([Buffer.from('fine '.repeat(9000)), Buffer.from([0xe9, 0x20])]))
    await expect(run(tokenizerCommand(), path, '--out', join(folder, 'refused'))).rejects.toThrow(
      'latin.txt: expected UTF-8 text, got a byte that does not belong there at byte 45000',
    )
  })
})

function folderOf(kind: (typeof kinds)[number]): string {
  return kind === 'keeper' ? keeperFolder : join(folder, kind)
}

/** Real text where it is at hand, in pieces. */
function sharedText(): string[] {
  const files = ['tinyshakespeare.txt', 'wikitext2-test.txt']
    .map((name) => join(shared, name))
    .filter((path) => existsSync(path))
  return files.flatMap(
    (path) =>
      readFileSync(path, 'utf8')
        .slice(0, 60_000)
        .match(/[^]{1,2000}/gu) ?? [],
  )
}

async function run(command: ReturnType<typeof tokenizerCommand>, ...args: string[]): Promise<void> {
  command.exitOverride().configureOutput({ writeErr: () => undefined, writeOut: () => undefined })
  await command.parseAsync(args, { from: 'user' })
}
