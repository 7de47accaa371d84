import { mkdtempSync, rmSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadBundle, writeManifest } from '../../../runtime/bundle.ts'
import { openGraph } from '../../../runtime/open-graph.ts'
import { openText, type TextCodec } from '../../../runtime/text.ts'
import { withEarlierPages, type Checkpoint } from '../../../server/checkpoint.ts'
import type { EngineEvent, Job } from '../../../server/engine/messages.ts'
import { createOrtRunner } from '../../../server/engine/ort-runner.ts'
import type { Runner } from '../../../server/engine/runner.ts'
import { Scheduler } from '../../../server/engine/scheduler.ts'
import { writeAttentionBundle } from '../../support/attention-bundle.ts'
import { bytes, readers, replayJob, turnJob } from '../../support/jobs.ts'
import { TINY, writeTinyBundle, type Tiny } from '../../support/tiny-bundle.ts'

const neverEnds = { ...turnJob(1).sampling, logitBias: [[259, -100]] as const }
const turn = (id: number, changes: Parameters<typeof turnJob>[1] = {}) =>
  turnJob(id, { sampling: neverEnds, ...changes })

interface Opened {
  readonly runner: Runner
  readonly codec: TextCodec
}

async function open(folder: string, rows = 4): Promise<Opened> {
  const bundle = await loadBundle(folder)
  const graph = await openGraph(bundle.path('decoder.onnx'), { threads: 1 })
  return { runner: createOrtRunner(bundle, graph, rows), codec: openText(bundle.dir) }
}

/** Runs jobs together, the later ones joining a step apart; returns each one's facts. */
async function run({ runner, codec }: Opened, jobs: readonly (readonly [Job, readonly number[]])[]) {
  const events: EngineEvent[] = []
  const scheduler = new Scheduler(runner, codec, (said) => events.push(...said))
  for (const [job, prompt] of jobs) {
    scheduler.add(job, prompt)
    await scheduler.step()
  }
  while (!scheduler.idle) await scheduler.step()
  expect(events.filter(({ kind }) => kind === 'error')).toEqual([])
  return jobs.map(([{ id }]) => {
    const [done] = readers(events).done(id)
    return done ? { generated: done.generated, checkpoint: done.checkpoint } : null
  })
}

/** A checkpoint with all of its pages. */
const whole = (checkpoint: Checkpoint, base: Checkpoint | null): Checkpoint => ({
  ...checkpoint,
  state: withEarlierPages(checkpoint.state, base?.state ?? null),
})

const writers = {
  ...(Object.fromEntries(
    (Object.keys(TINY) as Tiny[]).map((name) => [name, (folder: string) => writeTinyBundle(folder, name)]),
  ) as Record<Tiny, (folder: string) => Promise<string>>),
  attention: writeAttentionBundle,
}

describe.each(Object.keys(writers) as (keyof typeof writers)[])('%s on ONNX Runtime', (name) => {
  let folder: string
  beforeAll(async () => {
    folder = await writers[name](mkdtempSync(join(tmpdir(), 'mneme-')))
    return () => rmSync(folder, { recursive: true })
  })

  test('a turn computes the same bytes alone as beside others', async () => {
    const turns = [
      [turn(1), bytes('a first prompt')],
      [turn(2, { maxTokens: 3 }), bytes('another one, longer than a chunk: '.repeat(12))],
      [turn(3, { maxTokens: 12 }), bytes('x')],
      [turn(4), bytes('and one that waits for a row')],
      [turn(5, { maxTokens: 70 }), bytes('one whose state grows beyond what was set aside'.repeat(4))],
    ] as const
    const together = await run(await open(folder, 3), turns)
    for (const [i, one] of turns.entries()) {
      const [alone] = await run(await open(folder, 1), [one])
      expect(alone?.generated.length).toBe(one[0].maxTokens)
      expect(together[i]).toEqual(alone)
    }
  })

  test('a conversation continued from checkpoints has the bytes of a replay, also beside others', async () => {
    const model = await open(folder)
    const [first] = await run(model, [[turn(1, { maxTokens: 20 }), bytes('what went before, '.repeat(8))]])
    const base = whole(first?.checkpoint as Checkpoint, null)
    const prompt = bytes('a prompt of more than one chunk. '.repeat(3))
    const [second] = await run(model, [[turn(2, { from: base }), prompt]])
    const state = whole(second?.checkpoint as Checkpoint, base).state
    // Only what the turn added is in its own checkpoint.
    expect(second?.checkpoint?.state.firstPage).toBe(name === 'attention' ? 2 : 0)
    const steps = (generated: readonly number[] = []): readonly number[] => generated.slice(0, -1)
    const again = await open(folder)
    const [, one] = await run(again, [
      [turn(9, { maxTokens: 20 }), bytes('noise')],
      [replayJob(3, { steps: steps(first?.generated) }), bytes('what went before, '.repeat(8))],
    ])
    expect(whole(one?.checkpoint as Checkpoint, null).state).toEqual(base.state)
    const [two] = await run(again, [[replayJob(4, { from: base, steps: steps(second?.generated) }), prompt]])
    expect(whole(two?.checkpoint as Checkpoint, base).state).toEqual(state)
    expect(state.fixed.some((byte) => byte !== 0)).toBe(true)
  })

  test('several tokens of one row are fed at once beside rows that are fed one', async () => {
    const { runner } = await open(folder, 3)
    const [a, b, alone] = [0, 1, 2].map(() => runner.open('', null, 0)) as [never, never, never]
    await runner.step([a, b, alone].map((row) => ({ row, ids: [65], use: 'decode', logits: 'last' })))
    const [several] = await runner.step([
      { row: a, ids: [66, 67, 68], use: 'decode', logits: 'all' },
      { row: b, ids: [70], use: 'decode', logits: 'last' },
      { row: alone, ids: [70], use: 'decode', logits: 'last' },
    ])
    expect(several && 'logits' in several && several.logits.length).toBe(3 * runner.vocab)
    expect(runner.save(b, 0)).toEqual(runner.save(alone, 0))
    const slot = runner.open('', null, 0)
    await runner.step([
      { row: slot, ids: [65], use: 'prefill', logits: 'last' },
      { row: b, ids: [71], use: 'decode', logits: 'last' },
      { row: alone, ids: [71], use: 'decode', logits: 'last' },
      { row: a, ids: [72], use: 'decode', logits: 'last' },
    ])
    await runner.step([
      { row: slot, ids: [66, 67, 68], use: 'prefill', logits: 'last' },
      ...[a, b, alone].map((row) => ({ row, ids: [72], use: 'decode' as const, logits: 'last' as const })),
    ])
    runner.release(b)
    const [onRow, onSlot] = [runner.save(a, 0), runner.save(slot, 0)]
    expect(onRow).not.toEqual(onSlot) // it has been fed two tokens more
    expect(runner.save(alone, 0).fixed.length).toBe(runner.stateBytes)
  })

  test('log-probabilities of a prompt are the same whether asked for or not the state goes on', async () => {
    const { runner } = await open(folder, 1)
    const ids = bytes('the same prompt')
    const [all, last] = [runner.open('', null, 0), runner.open('', null, 0)]
    const [every] = await runner.step([{ row: all, ids, use: 'prefill', logits: 'all' }])
    const logits = every && 'logits' in every ? every.logits.slice() : new Float32Array()
    expect(logits.length).toBe(ids.length * runner.vocab)
    const [only] = await runner.step([{ row: last, ids, use: 'prefill', logits: 'last' }])
    expect(only).toEqual({ logits: logits.slice(-runner.vocab) })
    expect(runner.save(all, 0)).toEqual(runner.save(last, 0))
  })

  test('padding of the vocabulary is never sampled', async () => {
    const model = await open(folder)
    const hot = { ...neverEnds, temperature: 2 }
    const [result] = await run(model, [[turn(1, { maxTokens: 300, sampling: hot }), bytes('x')]])
    expect(model.runner.vocab).toBe(264)
    expect(Math.max(...(result?.generated ?? [999]))).toBeLessThan(260)
  })
})

test('a bundle whose state is not that of its graph is refused before it serves anybody', async () => {
  const folder = await writeTinyBundle(mkdtempSync(join(tmpdir(), 'mneme-')), 'delta')
  const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'))
  const wrong = manifest.state.find(({ shape }: { shape: unknown[] }) => shape.length > 2)
  for (const info of [...manifest.graphs.decoder.inputs, ...manifest.graphs.decoder.outputs])
    if (info.name === wrong.input || info.name === wrong.output) info.shape[1] += 1
  wrong.shape[1] += 1
  await writeFile(join(folder, 'manifest.json'), '')
  await writeManifest(folder, manifest)
  await expect(open(folder)).rejects.toThrow(/decoder: state\..*: expected float32 \[.*\] as in the manifest, got/)
  rmSync(folder, { recursive: true })
})
