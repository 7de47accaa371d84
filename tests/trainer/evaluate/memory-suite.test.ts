/** The suite `memory`: what is told, asked and judged; and a run through a server. */
import { describe, expect, test } from 'vitest'
import type { Asked } from '../../../trainer/evaluate/ask.ts'
import { drawCases, kinds, type MemoryCase } from '../../../trainer/evaluate/memory/case.ts'
import { judge } from '../../../trainer/evaluate/memory/judge.ts'
import { runMemory, type MemoryOptions } from '../../../trainer/evaluate/memory/run.ts'
import { cellsOf, memoryPicture, memoryTable } from '../../../trainer/evaluate/memory/table.ts'
import { memorySuite } from '../../../trainer/evaluate/suites/memory.ts'
import { ServerClient } from '../../../trainer/evaluate/server-client.ts'
import { Random } from '../../../trainer/random.ts'
import type { Engine } from '../../../server/engine/client.ts'
import type { ServedModel } from '../../../server/served-model.ts'
import { END } from '../../support/fake-model.ts'
import { startTestServer } from '../../support/test-server.ts'

const quiet = { report: () => undefined, note: () => undefined, end: () => undefined }

describe('drawCases', () => {
  test('the same seed draws the same cases, no two of them about one thing', () => {
    const drawn = drawCases(new Random('a'), kinds, 4, 'train')
    expect(drawCases(new Random('a'), kinds, 4, 'train')).toEqual(drawn)
    expect(drawCases(new Random('b'), kinds, 4, 'train')).not.toEqual(drawn)
    expect(drawn).toHaveLength(4 * kinds.length)
    expect(new Set(drawn.map(({ asks }) => asks)).size).toBe(drawn.length)
  })

  test('what holds was told last, what does not hold is not the answer, and the untold is told nowhere', () => {
    for (let seed = 0; seed < 50; seed++)
      for (const { kind, tells, value, stale } of drawCases(new Random(seed), kinds, 2, 'train')) {
        if (value !== null) expect(tells.at(-1)!.toLowerCase()).toContain(value.toLowerCase())
        for (const old of stale)
          expect(
            tells
              .slice(0, kind === 'deleted' ? 1 : -1)
              .join('\n')
              .toLowerCase(),
          ).toContain(old.toLowerCase())
        expect([value === null, tells.length === 0]).toEqual([
          ['forgotten', 'deleted', 'cascade', 'untold'].includes(kind),
          kind === 'untold',
        ])
      }
  })

  test('more cases than there are topics are refused', () => {
    expect(() => drawCases(new Random(1), ['cascade'], 100, 'train')).toThrow("a user's topics are used up")
  })
})

describe('judge', () => {
  const told: MemoryCase = { kind: 'corrected', tells: [], asks: '', value: '4072', stale: ['4071'] }
  const gone: MemoryCase = { ...told, value: null }
  const reply = (text: string): Asked => ({
    id: 'r',
    text,
    confidence: 1,
    latency: 1,
    tokens: 1,
    generated: 1,
    memories: [],
    written: [],
    verdict: null,
    gates: null,
  })

  test.each([
    ['It is 4072.', { isRight: true, isStale: false }],
    ['It is 4072, not 4071.', { isRight: true, isStale: false }],
    ['It is 4071.', { isRight: false, isStale: true }],
    ['It is 40721.', { isRight: false, isStale: false }],
    ['You have not told me.', { isRight: false, abstains: true }],
  ])('of a corrected value: %s', (text, wanted) => expect(judge(told, [], [], reply(text))).toMatchObject(wanted))

  test.each([
    ['You have not told me your code.', true],
    ["I don't know.", true],
    ['You never mentioned that.', true],
    ['It is 4071.', false],
    ['You have not told me, but it was 4071.', false],
    ['Nice weather.', false],
  ])('of a value that does not hold any more: %s', (text, isRight) =>
    expect(judge(gone, [], [], reply(text)).isRight).toBe(isRight),
  )

  test('retrieval is the place of the first memory with the value; assembly wants it, and nothing stale alone', () => {
    const found = ['My code is 4071.', 'It is 4072 now, not 4071.']
    expect(judge(told, found, [found[1]!], reply(''))).toMatchObject({ rank: 2, isAssembled: true })
    expect(judge(told, found, found, reply(''))).toMatchObject({ isAssembled: false })
    expect(judge(told, [], [], reply(''))).toMatchObject({ rank: 0, isAssembled: false })
    expect(judge(gone, [], [], reply(''))).toMatchObject({ rank: null, isAssembled: true })
  })
})

test('through a server: what is told is found and read, what is deleted is not, also by another run', async () => {
  // The model repeats the last note, and says that it does not know where it has none.
  const next = (history: readonly number[]): number => {
    const text = history.map((id) => (id < 256 ? String.fromCharCode(id) : '|')).join('')
    const at = text.lastIndexOf('|')
    const note = [...text.slice(0, at).matchAll(/^- (.*)\|?/gm)].at(-1)?.[1]?.split('|')[0]
    const answer = note ?? "I don't know."
    return answer.charCodeAt(text.length - at - 1) || END
  }
  const url = await (await startTestServer({ append: true, next, memories: 'on' })).listen()
  const options: MemoryOptions = {
    seed: 1,
    part: 'train',
    kinds: ['told', 'deleted', 'untold'],
    conditions: ['memory', 'none'],
    distances: [0, 3],
    users: 1,
    cases: 6,
    turns: 4,
  }
  const answers = await runMemory(new ServerClient(url), options, quiet)
  const again = await runMemory(new ServerClient(url), options, quiet)
  const shape = (all: typeof answers) => all.map(({ question, reply, rank }) => ({ question, reply, rank }))
  expect(shape(again)).toEqual(shape(answers))
  const cells = cellsOf(answers)
  const cell = (kind: string, condition: string) =>
    cells.find((one) => one.kind === kind && one.condition === condition && one.distance === 3)
  expect(cell('told', 'memory')!.recall!.at10.share).toBeGreaterThan(0.8)
  expect(cell('told', 'memory')!.assembly!.share).toBeGreaterThan(0.6)
  expect(cell('told', 'none')).toMatchObject({ answers: { right: 0, asked: 6 }, assembly: null, recall: null })
  expect(cell('deleted', 'memory')).toMatchObject({ assembly: { right: 6 }, stale: { right: 0 } })
  expect(cells.map(({ kind }) => kind).indexOf('told')).toBe(0)
  expect(memoryTable(cells).split('\n')).toHaveLength(2 + cells.length)
  expect(memoryPicture(cells, 'fake')).toContain('in another conversation, without memories')
})

test("what is told to one model is asked of another: memories are the user's", async () => {
  const server = await startTestServer({ append: true, memories: 'on' })
  const url = await server.listen()
  const asked = server.deps.models[0]!
  let told = 0
  const submit: Engine['submit'] = (job, options) => (told++, asked.engine.submit(job, options))
  ;(server.deps.models as ServedModel[]).push({
    ...asked,
    name: 'listener',
    bundle: 'b'.repeat(64),
    engine: { ...asked.engine, submit },
  })
  const flags = { seed: 1, part: 'train', kinds: ['told'], distances: [2], users: 1, cases: 4, turns: 4 } as const
  const options = { ...flags, conditions: ['memory'], toldTo: 'listener' } as const
  const answers = await runMemory(new ServerClient(url, asked.name), options, quiet)
  expect(answers.filter(({ rank }) => rank === 1).length).toBeGreaterThan(2)
  expect(told).toBeGreaterThanOrEqual(4 + 2)
  expect((await server.deps.store.statistics()).responses).toBe(4 + 2)
  await expect(memorySuite.measure(options, quiet)).rejects.toThrow('--url')
  const all = { ...options, url, conditions: ['all'] } as const
  await expect(memorySuite.measure(all, quiet)).rejects.toThrow('another model')
})
