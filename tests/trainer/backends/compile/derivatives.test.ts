import { expect, test } from 'vitest'
import { createTensor } from '../../../../runtime/tensor.ts'
import { emit } from '../../../../trainer/backends/compile/compiled-graph.ts'
import { gradients } from '../../../../trainer/backends/compile/gradients.ts'
import { crossEntropy } from '../../../../trainer/backends/compile/objective.ts'
import { recorder } from '../../../../trainer/backends/compile/recorder.ts'
import { type Node, type Recorder, Tape } from '../../../../trainer/backends/compile/tape.ts'
import { runOnnx } from '../../../support/run-onnx.ts'

const total = (op: Recorder, x: Node): Node => op.sum(op.reshape(x, [-1]), 0)

test.each<[string, (op: Recorder, x: Node, ids: Node) => Node]>([
  ['pick', (op, x, ids) => op.pick(x, ids)],
  ['addAt', (op, x, ids) => op.addAt(x, ids, op.slice(x, 1, 0, 1))],
  ['scatterRows', (op, x, ids) => op.scatterRows(ids, x, [5, 4])],
  ['dequantize', (op, x) => op.dequantize(op.quantize(x, op.slice(x, 1, 0, 1), 'int8'), op.slice(x, 1, 0, 1))],
  ['rotary', (op, x) => op.rotary(op.zeros([1, 1, 3, 8]), x, x)],
])('%s, which has no rule, throws where a derivative is asked for instead of giving zero', (name, f) => {
  const tape = new Tape()
  const op = recorder(tape)
  const x = tape.input('x', [3, 4])
  const ids = tape.input('ids', [3, 1], 'int32')
  const loss = total(op, f(op, x, ids))
  expect(() => gradients(tape, op, loss, [x])).toThrow(
    new RegExp(`^${name}: expected a derivative with respect to input \\d, there is no rule for it$`),
  )
  expect(gradients(tape, op, loss, [tape.input('other', [1])]), 'not asked for').toEqual([undefined])
})

test('what is constant between its steps has no derivative, and says so: rounding, comparisons, choices', () => {
  const tape = new Tape()
  const op = recorder(tape)
  const x = tape.input('x', [3, 4])
  const steps = [op.round(x), op.float(op.less(x, op.neg(x))), op.equal(x, op.exp(x)), op.oneHot(op.topk(x, 1), 4)]
  for (const step of steps) expect(gradients(tape, op, total(op, step), [x])).toEqual([undefined])
})

test('a target without probability costs 126 ln 2 nats: the least normal float32, which no device flushes to zero', async () => {
  const tape = new Tape()
  const op = recorder(tape)
  const logits = tape.input('logits', [1, 1, 2])
  const { loss } = crossEntropy(tape, op, logits, tape.input('targets', [1, 1], 'int32'), op.table([1], [1, 1]))
  const { bytes, outputs } = emit('loss', tape, new Map([['loss', loss]]), { precision: 'float32' })
  const given = { logits: createTensor('float32', [1, 1, 2], [0, -500]), targets: createTensor('int32', [1, 1], [1]) }
  expect((await runOnnx(bytes, given, outputs))['loss']!.data[0]).toBeCloseTo(126 * Math.LN2, 4)
})
