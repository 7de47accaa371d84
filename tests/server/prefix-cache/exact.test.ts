/** States that are handed out on real graphs: to the bit what a cold prompt makes, and what a replay makes. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadBundle } from '../../../runtime/bundle.ts'
import { openGraph } from '../../../runtime/open-graph.ts'
import { openText, type Message, type TextCodec } from '../../../runtime/text.ts'
import { withEarlierPages, type SessionState } from '../../../server/checkpoint.ts'
import type { EngineEvent, SnapshotEvent } from '../../../server/engine/messages.ts'
import { createOrtRunner } from '../../../server/engine/ort-runner.ts'
import { joinCalls, type CallRuns } from '../../../server/engine/prefill-calls.ts'
import type { Runner } from '../../../server/engine/runner.ts'
import { Scheduler } from '../../../server/engine/scheduler.ts'
import { writeAttentionBundle } from '../../support/attention-bundle.ts'
import { readers, replayJob, turnJob } from '../../support/jobs.ts'
import { TINY, writeTinyBundle, type Tiny } from '../../support/tiny-bundle.ts'

const neverEnds = { ...turnJob(1).sampling, temperature: 0, logitBias: [[259, -100]] as const }

interface Kept {
  readonly position: number
  readonly calls: CallRuns
  readonly state: SessionState
  readonly afterReply: boolean
}

/** Runs a prompt that begins its conversation, from a kept state or cold. */
async function ask(runner: Runner, codec: TextCodec, prompt: readonly number[], from: Kept | null) {
  const events: EngineEvent[] = []
  const scheduler = new Scheduler(runner, codec, (said) => events.push(...said))
  const whole = {
    messageEnds: codec.messageEnds(),
    cached: from?.position ?? 0,
    afterReply: from?.afterReply ?? false,
    snapshots: true,
  }
  const checkpoint = from && { state: from.state, position: from.position, pending: [] }
  scheduler.add(turnJob(1, { sampling: neverEnds, whole, from: checkpoint, maxTokens: 6 }), prompt)
  while (!scheduler.idle) await scheduler.step()
  const [done] = readers(events).done(1)
  expect(readers(events).errors(1)).toEqual([])
  let last = from?.state ?? null
  const kept = events
    .flatMap((event) => (event.kind === 'snapshot' ? [event] : []))
    .map((event: SnapshotEvent): Kept => {
      const state = withEarlierPages(event.state, last)
      if (event.choice === null) last = state
      const calls = joinCalls(from?.calls ?? [], event.calls)
      return { position: event.position, calls, state, afterReply: event.choice !== null }
    })
  const calls = joinCalls(from?.calls ?? [], done?.prefillCalls ?? [])
  return { kept, calls, generated: done?.generated ?? [], state: done?.checkpoint?.state }
}

async function replay(
  runner: Runner,
  codec: TextCodec,
  prompt: readonly number[],
  steps: readonly number[],
  calls: CallRuns,
) {
  const events: EngineEvent[] = []
  const scheduler = new Scheduler(runner, codec, (said) => events.push(...said))
  scheduler.add(replayJob(1, { steps, prefillCalls: calls }), prompt)
  while (!scheduler.idle) await scheduler.step()
  return readers(events).done(1)[0]?.checkpoint?.state
}

const user = (content: string): Message => ({ role: 'user', content })
const messages: Message[] = [
  { role: 'system', content: 'You know what was said before, and you say so. '.repeat(3) },
  user('A long question about the river that runs past the mill. '.repeat(5)),
  { role: 'assistant', content: 'A short answer.' },
  user('And now?'),
]
const writers = {
  ...(Object.fromEntries(
    (Object.keys(TINY) as Tiny[]).map((name) => [name, (folder: string) => writeTinyBundle(folder, name)]),
  ) as Record<Tiny, (folder: string) => Promise<string>>),
  attention: writeAttentionBundle,
}

describe.each(Object.keys(writers) as (keyof typeof writers)[])('states of %s that are handed out', (name) => {
  let runner: Runner
  let codec: TextCodec
  beforeAll(async () => {
    const folder = await writers[name](mkdtempSync(join(tmpdir(), 'mneme-')))
    const bundle = await loadBundle(folder)
    runner = createOrtRunner(bundle, await openGraph(bundle.path('decoder.onnx'), { threads: 1 }), 2)
    codec = openText(folder)
    return () => {
      runner.close()
      rmSync(folder, { recursive: true })
    }
  })
  const encode = (all: readonly Message[]): number[] => codec.chat(all, { continued: false, generate: true })

  test('before a reply give the bits that a cold prompt gives, wherever a prompt goes on', async () => {
    const prompt = encode(messages)
    const cold = await ask(runner, codec, prompt, null)
    const before = await ask(runner, codec, encode(messages.slice(0, 2)), null)
    const kept = [...cold.kept, ...before.kept].filter(({ afterReply }) => !afterReply)
    expect(kept.length).toBeGreaterThanOrEqual(4)
    for (const one of kept) {
      const warm = await ask(runner, codec, prompt, one)
      expect([one.position, warm.generated, warm.calls]).toEqual([one.position, cold.generated, cold.calls])
      expect(warm.state).toEqual(cold.state)
    }
  })

  test('after a reply, and what goes on from there, are what a replay of their calls makes', async () => {
    const first = encode(messages.slice(0, 2))
    const { kept, generated } = await ask(runner, codec, first, null)
    const reply = kept.at(-1) as Kept
    expect(reply).toMatchObject({ afterReply: true, position: first.length + generated.length - 1 })
    const prompt = [...first, ...generated, ...encode([...messages.slice(0, 2), user('go on')]).slice(first.length - 1)]
    const next = await ask(runner, codec, prompt, reply)
    const steps = next.generated.slice(0, -1)
    expect(await replay(runner, codec, prompt, steps, next.calls)).toEqual(next.state)
  })
})
