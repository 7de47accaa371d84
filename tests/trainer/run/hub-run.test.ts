import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { loadCheckpoint } from '../../../trainer/run/checkpoint.ts'
import { prepare } from '../../../trainer/run/prepare.ts'
import { lockRun } from '../../../trainer/run/lock.ts'
import { recipeWith } from '../../../trainer/recipes/settings.ts'
import type { Metric } from '../../../trainer/run/metrics.ts'
import { train } from '../../../trainer/run/train.ts'
import { compiled } from '../../support/build.ts'
import { expectSameBits } from '../../support/all-close.ts'
import { parquet, startHub } from '../../support/hub-server.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const token = 'hf_secret'
const chat = (i: number) => [
  { role: 'user', content: `What is ${i} times seven?` },
  { role: 'assistant', content: `It is ${i * 7}.` },
]
const chats = (count: number) => Array.from({ length: count }, (_, i) => chat(i))
const files = {
  'data/train_sft-00000-of-00002.parquet': parquet({ messages: chats(20) }, 3),
  'data/train_sft-00001-of-00002.parquet': parquet({ messages: chats(24) }, 3),
  'data/test_sft-00000-of-00001.parquet': parquet({ messages: chats(4) }),
}
const settings = [
  'model.width=16',
  'model.hidden=16',
  'batch=2',
  'sequenceLength=48',
  'evaluateBatches=2',
  'logEvery=1',
]

/** The command as a user runs it; it must not hold up this process, which is the hub. */
const mneme = (args: readonly string[], endpoint: string): Promise<{ code: number; stderr: string }> =>
  new Promise((resolve) => {
    const env = { ...process.env, HF_ENDPOINT: endpoint, HF_TOKEN: token }
    execFile(process.execPath, [compiled('clients/cli/bin.js'), 'train', ...args], { env }, (error, _, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stderr }),
    )
  })

test('a run on conversations of a hub whose network goes away is saved, and goes on to the same bits', async () => {
  const hub = await startHub({ repo: 'own/chats', branches: { main: 'c1' }, commits: { c1: files }, token })
  const out = join(temporaryFolder(), 'run')
  const flags = ['--data', 'hub:own/chats', '--split', 'train_sft', '--held-out-split', 'test_sft']
  const command = ['delta', ...flags, '--mode', 'instruct', '--evaluate-every', 'epoch', '--steps', '50', '--out', out]
  const args = [...command, '--threads', '1', ...settings.flatMap((one) => ['--set', one])]
  try {
    const release = await lockRun(out)
    const refused = await mneme(args, hub.url)
    expect(refused.stderr).toMatch(new RegExp(`: process ${process.pid} on .* trains in it since`))
    expect(refused.code).toBe(1)
    await release()

    hub.state.trouble = (_, asked) => (asked > 60 ? 'gone' : undefined)
    const stopped = await mneme(args, hub.url)
    expect(stopped.stderr.trim().split('\n').at(-1)).toMatch(
      /hub:own\/chats: http.* cannot be reached \(.*\), tried 5 times; the run is saved at step [1-9]\d*, --resume goes on from there$/,
    )
    expect(stopped.code).toBe(1)

    delete hub.state.trouble
    const resumed = await mneme([...args, '--resume'], hub.url)
    expect(resumed.stderr).toMatch(/hub:own\/chats at c1, split train_sft, 2 files, train/)
    expect(resumed.code).toBe(0)

    vi.stubEnv('HF_ENDPOINT', hub.url).stubEnv('HF_TOKEN', token)
    const whole = join(temporaryFolder(), 'whole')
    const source = ['data.files=["hub:own/chats"]', 'data.split=train_sft', 'data.heldOutSplit=test_sft']
    const recipe = recipeWith('delta', [
      ...source,
      'mode=instruct',
      'evaluateEvery=epoch',
      'schedule.steps=50',
      ...settings,
    ])
    const choices = {
      resume: false,
      backend: 'compiled',
      devices: [{ device: 'cpu', id: 0 }],
      threads: 1,
      report: () => undefined,
    } as const
    const { run, backend } = await prepare(recipe, { ...choices, out: whole })
    await train(run, false).finally(() => backend.close())
    const [a, b] = [await loadCheckpoint(join(whole, 'last')), await loadCheckpoint(join(out, 'last'))]
    for (const [name, t] of Object.entries({ ...a.model, ...a.optimizer }))
      expectSameBits({ ...b.model, ...b.optimizer }[name]!.data, t.data, name)
    const metrics = (folder: string) =>
      readFileSync(join(folder, 'metrics.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => ({ ...(JSON.parse(line) as Metric), tokensPerSecond: 0 }))
    expect(metrics(out)).toEqual(metrics(whole))
    const measured = metrics(whole).filter(({ heldOut }) => heldOut !== undefined)
    expect(
      measured.map(({ epoch }) => epoch),
      "at each end, and at the run's",
    ).toEqual([1, 2, 2])
  } finally {
    vi.unstubAllEnvs()
    await hub.close()
  }
}, 240_000)
