import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { createStatusLine } from '../../../trainer/status-line.ts'
import { createProgress } from '../../../trainer/run/progress.ts'

/** What is written to a stream, which is a terminal or a file. */
function fakeStream(isTTY: boolean): { stream: NodeJS.WriteStream; written: () => string } {
  let written = ''
  const stream = new PassThrough() as unknown as NodeJS.WriteStream
  stream.on('data', (chunk: Buffer) => (written += chunk.toString()))
  const cursor = () => true
  Object.assign(stream, { isTTY, columns: 160, cursorTo: cursor, clearLine: cursor, moveCursor: cursor })
  return { stream, written: () => written }
}

const metric = (step: number, heldOut?: number) => ({
  step,
  tokens: step * 100,
  loss: 2.5,
  norm: 1.25,
  learningRate: 1e-3,
  tokensPerSecond: 200,
  ...(heldOut === undefined ? {} : { heldOut }),
})

test('the bar on a terminal has loss, held-out loss, norm, rate, speed and what is left', async () => {
  const { stream, written } = fakeStream(true)
  const progress = createProgress(100, stream)
  progress.report(metric(10, 1.5))
  progress.report(metric(20))
  progress.stop()
  await new Promise((resolve) => setImmediate(resolve))
  for (const text of ['20/100', 'loss 2.5000', 'held out 1.5000', 'norm 1.25', 'lr 1.00e-3', '200 tok/s', 'left 0:40'])
    expect(written()).toContain(text)
})

test('elsewhere each measurement is a line', async () => {
  const { stream, written } = fakeStream(false)
  const progress = createProgress(100, stream)
  progress.report(metric(10))
  progress.report(metric(20, 1.5))
  progress.stop()
  await new Promise((resolve) => setImmediate(resolve))
  expect(written()).toBe(
    'step 10/100  loss 2.5000  norm 1.25  lr 1.00e-3  200 tok/s  left 0:45\n' +
      'step 20/100  loss 2.5000  held out 1.5000  norm 1.25  lr 1.00e-3  200 tok/s  left 0:40\n',
  )
})

test('a status line changes on a terminal and is cut to its width; a log is not filled with it', async () => {
  const [terminal, log] = [fakeStream(true), fakeStream(false)]
  for (const { stream } of [terminal, log]) {
    const status = createStatusLine(stream)
    for (let i = 0; i < 50; i++) status.report(`reading ${'x'.repeat(300)}`, i, 50)
    status.note('a note that stays')
    status.end()
  }
  await new Promise((resolve) => setImmediate(resolve))
  expect(log.written()).toBe('a note that stays\n')
  const [clear, ...parts] = terminal.written().split('\r\u001B[K')
  expect([clear, parts.length, parts[1], parts[2]]).toEqual(['', 3, 'a note that stays\n', ''])
  expect(parts[0]).toMatch(/^reading x{100,151}$/)
})
