import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, readlink, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { createTensor } from '../../../runtime/tensor.ts'
import { loadCheckpoint, saveCheckpoint, type Checkpoint } from '../../../trainer/run/checkpoint.ts'
import { Random } from '../../../trainer/random.ts'

const folders: string[] = []
let run = ''

beforeEach(async () => {
  run = await mkdtemp(join(tmpdir(), 'mneme-checkpoint-'))
  folders.push(run)
})

afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

describe('checkpoints', () => {
  test('what is saved is loaded, through the folder and through last', async () => {
    const saved = checkpoint(12, { random: { data: [1, 2, 3, 4] }, losses: [2.5, 1.25] })
    const folder = await saveCheckpoint(run, saved)
    expect(await loadCheckpoint(folder)).toEqual(saved)
    expect(await loadCheckpoint(join(run, 'last'))).toEqual(saved)
  })

  test('best stays when newer ones come, the newest stay, the others go', async () => {
    await saveCheckpoint(run, checkpoint(1), { best: true })
    for (const step of [2, 3, 4, 5]) await saveCheckpoint(run, checkpoint(step), { keep: 2 })
    expect(await readdir(join(run, 'checkpoints'))).toEqual(['step-00000001', 'step-00000004', 'step-00000005'])
    expect((await loadCheckpoint(join(run, 'best'))).step).toBe(1)
    expect((await loadCheckpoint(join(run, 'last'))).step).toBe(5)
  })

  test('a checkpoint of version 1 is read with the names of today: parameters, moments and settings', async () => {
    const old = 'ssm.layers.1.mixer.stepBias'
    const folder = await saveCheckpoint(run, {
      ...checkpoint(3, {
        config: { architecture: 'smt', time: 32, labels: 7, rates: { [old]: 2, 'ssm.layers': 3 }, batch: 4 },
      }),
      model: tensors([old, 'base.ssm.layers.0.mixer.rate', 'lora.ssm.layers.0.mixer.output.up', 'blocks.0.output']),
      optimizer: tensors([`first.${old}`, `second.${old}`, 'total.embed']),
    })
    const path = join(folder, 'state.json')
    const file = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
    expect(file['version']).toBe(2)
    await writeFile(path, JSON.stringify({ ...file, version: 1 }))
    const read = await loadCheckpoint(folder)
    expect(Object.keys(read.model).toSorted()).toEqual([
      'base.ssm.layers.0.mixer.ALog',
      'blocks.0.output',
      'lora.ssm.layers.0.mixer.outProj.up',
      'ssm.layers.1.mixer.dtBias',
    ])
    expect(Object.keys(read.optimizer).toSorted()).toEqual([
      'first.ssm.layers.1.mixer.dtBias',
      'second.ssm.layers.1.mixer.dtBias',
    ])
    expect(read.state['config']).toEqual({
      architecture: 'smt',
      sequenceLength: 32,
      maxLabels: 7,
      lrScales: { 'ssm.layers.1.mixer.dtBias': 2, 'ssm.layers': 3 },
      batch: 4,
    })
  })

  test('a checkpoint of a newer version is refused, and says so', async () => {
    const folder = await saveCheckpoint(run, checkpoint(1))
    const path = join(folder, 'state.json')
    await writeFile(path, (await readFile(path, 'utf8')).replace('"version": 2', '"version": 3'))
    await expect(loadCheckpoint(folder)).rejects.toThrow(
      /state\.json: expected format version 1 to 2, got 3; a newer mneme wrote this checkpoint$/,
    )
  })

  test('saving a step again leaves the first folder as it was', async () => {
    await saveCheckpoint(run, checkpoint(7, { take: 1 }))
    await saveCheckpoint(run, checkpoint(7, { take: 2 }))
    expect((await loadCheckpoint(join(run, 'checkpoints/step-00000007'))).state).toEqual({ take: 1 })
    expect((await loadCheckpoint(join(run, 'last'))).state).toEqual({ take: 2 })
  })

  test('the tokenizer is copied in and guarded by its hash', async () => {
    const tokenizer = join(import.meta.dirname, '../../../trainer/tokenizer/keeper')
    const folder = await saveCheckpoint(run, checkpoint(1), { tokenizer })
    expect(await readFile(join(folder, 'tokenizer.json'))).toEqual(await readFile(join(tokenizer, 'tokenizer.json')))
    await writeFile(join(folder, 'tokenizer_config.json'), '{}')
    await expect(loadCheckpoint(folder)).rejects.toThrow(/tokenizer_config.json: the checkpoint is damaged/)
  })

  test.each(['model.safetensors', 'optimizer.safetensors', 'carry.safetensors', 'state.json'])(
    'a damaged or missing %s is said in one sentence',
    async (name) => {
      const folder = await saveCheckpoint(run, checkpoint(1))
      const bytes = await readFile(join(folder, name))
      await truncate(join(folder, name), bytes.length - 3)
      await expect(loadCheckpoint(folder)).rejects.toThrow(`${name}: the checkpoint is damaged`)
      if (name !== 'state.json') {
        const last = bytes.length - 1
        await writeFile(join(folder, name), bytes.with(last, (bytes[last] as number) ^ 1))
        await expect(loadCheckpoint(folder)).rejects.toThrow(/expected sha256 [0-9a-f]{64}, got/)
      }
      await rm(join(folder, name))
      await expect(loadCheckpoint(folder)).rejects.toThrow(
        name === 'state.json' ? 'no readable state.json' : 'cannot be read',
      )
    },
  )

  test('a folder that is no checkpoint is refused', async () => {
    await expect(loadCheckpoint(join(run, 'last'))).rejects.toThrow('expected a checkpoint, there is no such folder')
    await writeFile(join(run, 'state.json'), '{"format":"something"}')
    await expect(loadCheckpoint(run)).rejects.toThrow('expected "format": "mneme-checkpoint", got "something"')
  })

  test('kill -9 at any moment leaves a whole checkpoint, never older than the last one reported', async () => {
    const random = new Random('kill')
    let reported = -1
    for (let kill = 0; kill < 12; kill++) {
      reported = await writeAndKill(run, reported + 1, random.between(0, 120), reported)
      const { step, state, model, optimizer } = await loadCheckpoint(join(run, 'last'))
      expect(step).toBeGreaterThanOrEqual(reported)
      expect(state['step']).toBe(step)
      for (const { w } of [model, optimizer]) expect(w?.data.every((value) => value === step)).toBe(true)
      expect((await loadCheckpoint(join(run, 'best'))).step % 3).toBe(0)
      reported = step
    }
    const folder = await saveCheckpoint(run, checkpoint(reported + 1))
    expect(await readlink(join(run, 'last'))).toBe(`checkpoints/${folder.split('/').at(-1) as string}`)
    expect((await readdir(join(run, 'checkpoints'))).filter((name) => name.startsWith('.'))).toEqual([])
  })
})

/** Starts the writer, kills it some time after its first report; returns the last step that it reported. */
async function writeAndKill(folder: string, from: number, afterMs: number, before: number): Promise<number> {
  const script = join(import.meta.dirname, 'checkpoint-writer.ts')
  const child = spawn(process.execPath, ['--import', 'tsx', script, folder, String(from)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (printed === '') setTimeout(() => child.kill('SIGKILL'), afterMs)
    printed += text
  })
  await once(child, 'close')
  const complete = printed
    .slice(0, printed.lastIndexOf('\n') + 1)
    .trim()
    .split('\n')
  return complete[0] === '' ? before : Number(complete.at(-1))
}

function checkpoint(step: number, state: Checkpoint['state'] = {}): Checkpoint {
  return {
    step,
    state,
    model: { 'layer.w': createTensor('float32', [2, 2], [1, 2, 3, step]) },
    optimizer: { 'm.layer.w': createTensor('float32', [2, 2], [0, 0, 1, -1]) },
    carry: { memory: createTensor('float32', [1, 3], [5, 6, 7]) },
  }
}

/** One number under each name. */
const tensors = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, createTensor('float32', [1], [1])]))
