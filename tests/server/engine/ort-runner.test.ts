import { beforeAll, describe, expect, test } from 'vitest'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadBundle } from '../../../runtime/bundle.ts'
import { openGraph } from '../../../runtime/open-graph.ts'
import { openText, type TextCodec } from '../../../runtime/text.ts'
import type { FromEngine, TurnJob } from '../../../server/engine/messages.ts'
import { createOrtRunner } from '../../../server/engine/ort-runner.ts'
import type { Runner } from '../../../server/engine/runner.ts'
import { Scheduler } from '../../../server/engine/scheduler.ts'
import { TINY, writeTinyBundle, type Tiny } from '../../support/tiny-bundle.ts'

let folder: string
const bytes = (text: string): number[] => [...Buffer.from(text)]

async function open(rows = 4): Promise<{ runner: Runner; codec: TextCodec }> {
  const bundle = await loadBundle(folder)
  const graph = await openGraph(bundle.path('decoder.onnx'), { threads: 1 })
  return { runner: createOrtRunner(bundle, graph, rows), codec: openText(bundle.dir) }
}

const job = (id: number, changes: Partial<TurnJob> = {}): TurnJob => ({
  kind: 'turn',
  owner: 'someone',
  id,
  prompt: { kind: 'ids', ids: [] },
  from: null,
  sampling: {
    temperature: 1,
    topP: 1,
    topK: 0,
    minP: 0,
    frequencyPenalty: 0,
    presencePenalty: 0,
    repetitionPenalty: 1,
    logitBias: [[259, -100]],
    seed: id,
    logprobs: null,
  },
  choices: 1,
  maxTokens: 8,
  stop: [],
  promptLogprobs: null,
  keep: true,
  ...changes,
})

/** Runs jobs together, the later ones joining a step apart; returns each one's facts. */
async function run(
  { runner, codec }: { runner: Runner; codec: TextCodec },
  jobs: [Parameters<Scheduler['add']>[0], number[]][],
) {
  const events: FromEngine[] = []
  const scheduler = new Scheduler(runner, codec, (event) => events.push(event))
  for (const [one, prompt] of jobs) {
    scheduler.add(one, prompt)
    await scheduler.step()
  }
  while (!scheduler.idle) await scheduler.step()
  const errors = events.filter(({ kind }) => kind === 'error')
  expect(errors).toEqual([])
  return jobs.map(([one]) => {
    const done = events.find((e) => e.kind === 'done' && e.id === one.id)
    return done?.kind === 'done' ? { generated: done.generated, checkpoint: done.checkpoint } : null
  })
}

describe.each(Object.keys(TINY) as Tiny[])('%s on ONNX Runtime', (architecture) => {
  beforeAll(async () => {
    folder = await writeTinyBundle(mkdtempSync(join(tmpdir(), 'mneme-')), architecture)
    return () => rmSync(folder, { recursive: true })
  })

  test('a turn computes the same bytes alone as beside others', async () => {
    const model = await open(3)
    const turns: [TurnJob, number[]][] = [
      [job(1), bytes('a first prompt')],
      [job(2, { maxTokens: 3 }), bytes('another one, longer than a chunk: '.repeat(5))],
      [job(3, { choices: 1, maxTokens: 12 }), bytes('x')],
      [job(4), bytes('and one that waits for a row')],
    ]
    const together = await run(model, turns)
    for (const [i, turn] of turns.entries()) {
      const [alone] = await run(await open(1), [turn])
      expect(alone?.generated.length).toBe(turn[0].maxTokens)
      expect(together[i]).toEqual(alone)
    }
  })

  test('a replay of a continued turn gives its state, bit for bit, beside others too', async () => {
    const model = await open()
    const [first] = await run(model, [[job(1), bytes('what went before')]])
    const from = first?.checkpoint ?? null
    const prompt = bytes('a prompt of more than one chunk. '.repeat(3))
    const [original] = await run(model, [[job(2, { from }), prompt]])
    const steps = original?.generated.slice(0, -1) ?? []
    const replay = { kind: 'replay', id: 3, owner: 'someone', from, prompt, steps } as const
    const [, again] = await run(await open(), [
      [job(9, { maxTokens: 20 }), bytes('noise')],
      [replay, prompt],
    ])
    expect(again?.checkpoint?.state).toEqual(original?.checkpoint?.state)
    expect(Buffer.from(original?.checkpoint?.state ?? []).some((byte) => byte !== 0)).toBe(true)
  })

  test('log-probabilities of a prompt are the same whether asked for or not the state goes on', async () => {
    const { runner } = await open(1)
    const ids = bytes('the same prompt')
    const [all, last] = [runner.lane(), runner.lane()]
    all.load(null)
    last.load(null)
    const every = await all.run(ids, 'all')
    expect(every.length).toBe(ids.length * runner.vocab)
    expect(every.slice(-runner.vocab)).toEqual((await last.run(ids, 'last')).slice())
    expect(all.save()).toEqual(last.save())
    expect(all.save().length).toBe(runner.stateBytes)
  })

  test('padding of the vocabulary is never sampled', async () => {
    const model = await open()
    const hot = { ...job(1).sampling, temperature: 2 }
    const [result] = await run(model, [[job(1, { maxTokens: 300, sampling: hot }), bytes('x')]])
    expect(model.runner.vocab).toBe(264)
    expect(Math.max(...(result?.generated ?? [999]))).toBeLessThan(260)
  })
})
