import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { openText } from '../../../../runtime/text.ts'
import type { Batch, Dataset } from '../../../../trainer/data/batch.ts'
import type { HubOptions } from '../../../../trainer/data/hub/client.ts'
import { defaultFields } from '../../../../trainer/data/document.ts'
import { type HubDataOptions, hubDataset } from '../../../../trainer/data/hub/dataset.ts'
import { chatTokens } from '../../../../trainer/tokenizer/format.ts'
import { byteTokenizer } from '../../../../trainer/tokenizer/train.ts'
import { type HubServer, type HubState, parquet, startHub } from '../../../support/hub-server.ts'

const codec = openText(byteTokenizer(chatTokens))
const [eos] = codec.eos as [number]
const started: HubServer[] = []
afterEach(async () => {
  for (const server of started.splice(0)) await server.close()
})

const tale = (i: number): string => `tale ${i} ${'of a king '.repeat((i * 7) % 5)}`
const tales = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => tale(from + i))
const lines = (texts: readonly string[]): Uint8Array =>
  Buffer.from(texts.map((text) => JSON.stringify({ text })).join('\n'))

const parquetFiles = {
  'data/train-00000-of-00002.parquet': parquet({ text: tales(0, 10) }),
  'data/train-00001-of-00002.parquet': parquet({ text: tales(10, 23) }),
  'data/validation-00000-of-00001.parquet': parquet({ text: tales(100, 104) }),
  'README.md': Buffer.from('# tales'),
}
const lineFiles = { 'a.jsonl': lines(tales(0, 9)), 'b.jsonl': lines(tales(9, 23)) }

async function hub(state: Partial<HubState> = {}): Promise<HubServer> {
  const server = await startHub({
    repo: 'own/tales',
    branches: { main: 'c1' },
    commits: { c1: parquetFiles },
    ...state,
  })
  started.push(server)
  return server
}

function open({ url }: HubServer, more: Partial<HubDataOptions> = {}, options: Partial<HubOptions> = {}) {
  return hubDataset({
    name: 'hub:own/tales',
    split: 'train',
    mode: 'pretrain',
    fields: defaultFields,
    codec,
    batch: 2,
    sequenceLength: 24,
    heldOut: 0,
    part: 'train',
    hub: { endpoint: url, delaysMs: [1, 1, 1], ...options },
    ...more,
  })
}

/** The documents of the first epoch, in the order in which they end. */
async function documents(data: Dataset, rows: number): Promise<string[]> {
  const found: string[] = []
  const open = Array.from({ length: rows }, (): number[] => [])
  while (data.epoch!() === 0) {
    const batch = await data.next()
    open.forEach((ids, row) => read(batch, row, batch.ids.length / rows, ids, found))
  }
  return found
}

function read(batch: Batch, row: number, sequenceLength: number, ids: number[], found: string[]): void {
  for (let t = row * sequenceLength; t < (row + 1) * sequenceLength; t++) {
    if (batch.weights[t] === 0) continue
    if (ids.length === 0) ids.push(batch.ids[t]!)
    ids.push(batch.targets[t]!)
    if (ids.at(-1) === eos) found.push(codec.decode(ids.splice(0)))
  }
}

describe('a data set of the hub', () => {
  test('gives every document of the split once in an epoch, of parquet and of lines', async () => {
    for (const files of [parquetFiles, lineFiles]) {
      const data = await open(await hub({ commits: { c1: files } }))
      const found = await documents(data, 2)
      expect(new Set(found)).toEqual(new Set(tales(0, 23)))
      expect(found.length, 'one row is at the beginning again while the other one ends').toBeLessThan(26)
    }
    const one = await open(await hub(), { batch: 1 })
    expect(await documents(one, 1)).toEqual(tales(0, 23))
    const validation = await open(await hub(), { batch: 1, split: 'validation' })
    expect(await documents(validation, 1)).toEqual(tales(100, 104))
  })

  test('interrupted and continued gives the same batches, also when the branch has moved since', async () => {
    const plan = fc.record({
      kind: fc.constantFrom(parquetFiles, lineFiles),
      batch: fc.integer({ min: 1, max: 3 }),
      sequenceLength: fc.integer({ min: 1, max: 70 }),
      heldOut: fc.constantFrom(0, 0.3),
      steps: fc.integer({ min: 0, max: 40 }),
    })
    await fc.assert(
      fc.asyncProperty(plan, async ({ kind, batch, sequenceLength, heldOut, steps }) => {
        const server = await hub({ commits: { c1: kind, c2: { 'a.jsonl': lines(['something else']) } } })
        const whole = await open(server, { batch, sequenceLength, heldOut })
        for (let step = 0; step < steps; step++) await whole.next()
        server.state.branches['main'] = 'c2'
        const resumed = await open(server, { batch, sequenceLength, heldOut })
        await resumed.seek(JSON.parse(JSON.stringify(whole.position())))
        for (let step = 0; step < 6; step++) expect(await resumed.next()).toEqual(await whole.next())
        expect(resumed.epoch!()).toBe(whole.epoch!())
      }),
      { numRuns: 25 },
    )
  })

  test('a held-out share and what is trained on are all documents, none in both', async () => {
    const server = await hub()
    const part = async (part: 'train' | 'heldout') => documents(await open(server, { batch: 1, heldOut: 0.2, part }), 1)
    const [train, heldOut] = [await part('train'), await part('heldout')]
    expect(heldOut).toHaveLength(4)
    expect([...train, ...heldOut].toSorted()).toEqual(tales(0, 23).toSorted())
  })

  test('is never fetched whole: only groups of rows that are due, and of them only the columns that are used', async () => {
    const noise = (i: number): string =>
      Array.from({ length: 40 }, (_, j) => createHash('sha512').update(`${i} ${j}`).digest('base64')).join('')
    const rows = tales(0, 400)
    const file = parquet({ text: rows, other: rows.map((_, i) => noise(i)) }, 20)
    const footer = new DataView(file.buffer).getUint32(file.length - 8, true)
    const server = await hub({ commits: { c1: { 'train.parquet': file } } })
    const data = await open(server)
    await data.next()
    const perGroup = rows.join('').length / 20
    expect(file.length).toBeGreaterThan(1e6)
    expect(server.sent()).toBeLessThan(Math.max(512 * 1024, footer) + 3 * perGroup)
    const before = server.sent()
    await data.next()
    expect(server.sent()).toBe(before)
  })

  test('of conversations only replies weigh, and each begins a piece with zero state', async () => {
    const chat = (i: number) => [
      { role: 'user', content: `Q${i}` },
      { role: 'assistant', content: `A${i}` },
    ]
    const chats = [chat(0), [...chat(1), ...chat(2)]]
    const rows = { prompt: ['P'], completion: ['C'] }
    const card = { configs: [{ config_name: 'a', data_files: [{ split: 'train', path: ['a.parquet', 'b.parquet'] }] }] }
    const files = { 'a.parquet': parquet({ talk: chats, text: ['x', 'y'] }), 'b.parquet': parquet(rows) }
    const server = await hub({ commits: { c1: files }, card })
    const fields = { ...defaultFields, messages: 'talk' }
    const data = await open(server, { batch: 1, sequenceLength: 12, mode: 'instruct', fields })
    const pieces: [string, string, number][] = []
    for (let i = 0; i < 4; i++) {
      const { ids, targets, weights, carry } = await data.next()
      const learned = [...targets].filter((_, t) => weights[t] === 1)
      const seen = [...ids].slice(0, [...ids].findLastIndex((id) => id !== eos) + 1)
      pieces.push([
        codec.decode(seen),
        learned.map((id) => (id === eos ? '.' : codec.decode([id]))).join(''),
        carry[0]!,
      ])
    }
    expect(pieces).toEqual([
      ['Q0A0', 'A0.', 0],
      ['Q1A1Q2', 'A1.', 0],
      ['A2', 'A2.', 1],
      ['PC', 'C.', 0],
    ])
  })
})

describe('trouble', () => {
  test('that passes is waited for: busy servers, answers that break off, connections that are refused', async () => {
    for (const trouble of [503, 429, 'cut', 'gone'] as const) {
      const server = await hub({ trouble: (_, asked) => (asked % 5 < 2 ? trouble : undefined) })
      const data = await open(server, { batch: 1 })
      expect(await documents(data, 1)).toEqual(tales(0, 23))
    }
  })

  test('that stays is one sentence, and what was read before it is where the data set stays', async () => {
    const server = await hub({ commits: { c1: lineFiles } })
    const data = await open(server, { batch: 1 })
    await data.next()
    const position = data.position()
    server.state.trouble = () => 'gone'
    const failing = (async () => {
      for (;;) await data.next()
    })()
    await expect(failing).rejects.toThrow(
      new RegExp(`^hub:own/tales: ${server.url} cannot be reached \\(.+\\), tried 4 times$`),
    )
    delete server.state.trouble
    await data.seek(position)
    const other = await open(server, { batch: 1 })
    await other.next()
    for (let i = 0; i < 20; i++) expect(await data.next()).toEqual(await other.next())
  })

  test('a data set that needs a token is read with one, and refused with what to do without', async () => {
    const server = await hub({ token: 'hf_right' })
    expect(await documents(await open(server, { batch: 1 }, { token: 'hf_right' }), 1)).toHaveLength(23)
    await expect(open(server)).rejects.toThrow(/refused access \(401\).*set HF_TOKEN to a token that may read it$/)
    await expect(open(server, {}, { token: 'hf_wrong' })).rejects.toThrow(/the token in HF_TOKEN may not read it$/)
  })

  test('rows that cannot be used are left out and counted, and refused where none of the first hundred can', async () => {
    const rows = await hub({ commits: { c1: { 'train.jsonl': Buffer.from('{"text":"a b c"}\n{"txt":"b"}\n') } } })
    const data = await open(rows, { batch: 1 })
    for (let i = 0; i < 4; i++) await data.next()
    expect(data.leftOut!()).toMatch(/^1 document left out; .*train\.jsonl: byte 17: expected "text".*found txt/)
    const many = parquet({ text: Array.from({ length: 120 }, () => null) })
    const none = await open(await hub({ commits: { c1: { 'train.parquet': many } } }))
    await expect(none.next()).rejects.toThrow(
      /none of the first 100 rows can be used: .*text: expected a text, got null/,
    )
  })

  test('what is not there, or is not what it should be, is refused with its place', async () => {
    const server = await hub()
    const named = (name: string) => open(server, { name })
    await expect(named('hub:own/songs')).rejects.toThrow('hub:own/songs: http')
    await expect(named('hub:own/tales@v9')).rejects.toThrow('has no such data set, revision or file (404)')
    await expect(open(server, { split: 'test' })).rejects.toThrow('has no split test; there are train, validation')
    const columns = await hub({ commits: { c1: { 'train.parquet': parquet({ body: ['a'], id: ['1'] }) } } })
    await expect((await open(columns)).next()).rejects.toThrow(
      'hub:own/tales: train.parquet: expected columns "text", "messages" (each with role and content), or "prompt" and "completion", it has body, id',
    )
    const damaged = await hub({ commits: { c1: { 'train.parquet': Buffer.from('not parquet at all') } } })
    await expect((await open(damaged)).next()).rejects.toThrow('train.parquet: expected a parquet file: ')
    const text = await hub({ commits: { c1: lineFiles } })
    await expect((await open(text, { mode: 'instruct' })).next()).rejects.toThrow(
      /found nothing that can be used: 23 documents left out; .*: byte 0: expected "messages".* to learn replies from, found text/,
    )
    await expect((await open(text, { heldOut: 0.001, part: 'heldout' })).next()).rejects.toThrow(
      'expected documents in the heldout part of split train, found none',
    )
  })
})
