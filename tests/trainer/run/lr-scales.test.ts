import { expect, test } from 'vitest'
import { ConfigError } from '../../../models/config.ts'
import { lrScaleOf } from '../../../trainer/run/lr-scales.ts'

const paths = ['embed', 'blocks.1.norm', 'blocks.1.delta.qkv', 'blocks.1.delta.qkvBias', 'blocks.10.norm', 'norm']

test('a part of the model scales its own parameters, and not those of a part whose name goes on', () => {
  const scale = lrScaleOf({ 'blocks.1': 3, 'blocks.1.delta.qkv': 5 }, paths)
  expect(paths.map(scale)).toEqual([1, 3, 5, 3, 1, 1])
})

test('the longest part counts, in whatever order they stand', () => {
  for (const scales of [
    { blocks: 2, 'blocks.1.delta': 4 },
    { 'blocks.1.delta': 4, blocks: 2 },
  ])
    expect(paths.map(lrScaleOf(scales, paths))).toEqual([1, 2, 4, 4, 2, 1])
})

test.each([
  ['block', 'lrScales.block: expected a parameter or a part of the model, there are embed, blocks, norm'],
  ['blocks.2', 'lrScales.blocks.2: expected a parameter or a part of the model, there are 1, 10 in blocks'],
  ['blocks.1.delta.q', /there are qkv, qkvBias in blocks\.1\.delta$/],
])('a scale for %s, which no parameter has, is refused with what there is', (part, message) => {
  expect(() => lrScaleOf({ [part]: 2 }, paths)).toThrow(ConfigError)
  expect(() => lrScaleOf({ [part]: 2 }, paths)).toThrow(message)
})
