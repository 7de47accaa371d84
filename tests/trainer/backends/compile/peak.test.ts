import { expect, test } from 'vitest'
import { peakBytes } from '../../../../trainer/backends/compile/peak.ts'
import { recorder } from '../../../../trainer/backends/compile/recorder.ts'
import { Tape } from '../../../../trainer/backends/compile/tape.ts'

test('what is held is what is still needed: four steps of one after another take two, beside one another all', () => {
  const tape = new Tape()
  const op = recorder(tape)
  const x = tape.input('x', [100]) // 400 bytes each
  const chain = op.exp(op.neg(op.exp(op.neg(x))))
  expect(peakBytes(tape.nodes, [chain])).toBe(800)
  const [a, b, c] = [op.sin(x), op.cos(x), op.tanh(x)]
  const sum = op.add(op.add(a, b), c)
  expect(peakBytes(tape.nodes, [sum]), 'and the sum of two, while these are held').toBe(1600)
})

test('another shape, inputs, outputs, and what nobody asks for take nothing', () => {
  const tape = new Tape()
  const op = recorder(tape)
  const x = tape.input('x', [10, 10])
  const shaped = op.reshape(op.exp(x), [100])
  const out = op.neg(shaped)
  op.exp(op.exp(op.exp(x)))
  expect(peakBytes(tape.nodes, [out])).toBe(400)
})
