import { describe, expect, test } from 'vitest'
import { createCompiledBackend } from '../../../../trainer/backends/compile/backend.ts'
import { gradients } from '../../../../trainer/backends/compile/gradients.ts'
import { peakBytes } from '../../../../trainer/backends/compile/peak.ts'
import { recompute } from '../../../../trainer/backends/compile/recompute.ts'
import { recorder } from '../../../../trainer/backends/compile/recorder.ts'
import { Tape } from '../../../../trainer/backends/compile/tape.ts'
import { emptyBatch } from '../../../../trainer/data/batch.ts'
import { Random } from '../../../../trainer/random.ts'
import { configurations } from '../../../models/configurations.ts'
import { expectClose } from '../../../support/all-close.ts'
import { backendOptions } from '../../../support/backend-options.ts'

test('sixteen layers in four pieces hold less than half of what they hold in one', () => {
  const tape = new Tape()
  const op = recorder(tape)
  let x = tape.input('x', [512, 64])
  const weights = Array.from({ length: 16 }, (_, i) => tape.input(`w${i}`, [64, 64]))
  for (const w of weights) x = op.add(x, op.tanh(op.matmul(op.gelu(x), w)))
  const loss = op.sum(op.reshape(x, [-1]), 0)
  const forward = tape.nodes.length
  const found = new Map(gradients(tape, op, loss, weights).map((g, i) => [`g${i}`, op.sum(op.reshape(g!, [-1]), 0)]))
  const whole = peakBytes(tape.nodes, [...found.values()])
  const [again, outputs] = recompute(tape, forward, found, 4)
  expect(peakBytes(again.nodes, [...outputs.values()])).toBeLessThan(whole / 2)
})

test('a step of 130,000 nodes is cut in pieces too', () => {
  const tape = new Tape()
  const op = recorder(tape)
  const w = tape.input('w', [1])
  let x = tape.input('x', [1])
  for (let i = 0; i < 130_000; i++) x = op.add(x, w)
  const loss = op.mul(x, x)
  const forward = tape.nodes.length
  const [gradient] = gradients(tape, op, loss, [w])
  const [again, outputs] = recompute(tape, forward, new Map([['gradient', gradient!]]), 4)
  expect(again.nodes.length).toBeGreaterThan(260_000)
  expect(outputs.get('gradient')).toBeDefined()
})

describe.each(configurations.filter(({ first }) => first))('$name', ({ model }) => {
  test('a step in three pieces = a step in one', async () => {
    const time = model.chunkLength > 1 ? 2 * model.chunkLength : 12
    const random = new Random('batch')
    const batch = emptyBatch(2, time)
    for (let i = 0; i < 2 * time; i++) {
      batch.ids[i] = random.int(model.vocab)
      batch.targets[i] = random.int(model.vocab)
      batch.weights[i] = 1
    }
    const runs = await Promise.all(
      [1, 3].map(async (pieces) => {
        const backend = await createCompiledBackend(
          backendOptions(model, { sequenceLength: time, recompute: pieces }),
          3,
        )
        const results = []
        for (let step = 1; step <= 3; step++) results.push(await backend.update([batch], 1e-3, step))
        backend.close()
        return { nodes: Number(/(\d+) nodes/.exec(backend.description)![1]), results }
      }),
    )
    const [one, three] = runs as [(typeof runs)[0], (typeof runs)[0]]
    expect(three.nodes).toBeGreaterThan(one.nodes)
    for (const key of ['loss', 'norm'] as const)
      expectClose(
        three.results.map((r) => r[key]),
        one.results.map((r) => r[key]),
        { absolute: 1e-5, relative: 1e-4, what: key },
      )
  })
})
