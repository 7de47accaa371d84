import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { importModel } from '../../../exporter/import/import.ts'
import { loadBundle } from '../../../runtime/bundle.ts'
import { readSafetensors } from '../../../trainer/safetensors.ts'
import { expectClose } from '../../support/all-close.ts'
import { CLOSE, opened } from '../../support/decoder-claims.ts'
import type { Numbers } from '../../support/published.ts'
import { temporaryFolder } from '../../support/temporary.ts'

/** Tiny random models with options that few published ones have; make.py there says how they were made. */
const FIXTURES = join(import.meta.dirname, '../../fixtures/variants')
const names = readdirSync(FIXTURES).filter((name) => !name.endsWith('.py'))

test.each(names)('%s gives the logits of transformers, whole and token by token', async (name) => {
  const out = temporaryFolder()
  await importModel({ source: join(FIXTURES, name), out, quantization: 'none' })
  const { tensors } = await readSafetensors(join(FIXTURES, name, 'reference.safetensors'))
  const ids = Array.from(tensors['ids']!.data as ArrayLike<number | bigint>, Number)
  const wanted = tensors['logits']!.data as Numbers
  const decoder = await opened(await loadBundle(out))
  expectClose((await decoder.run([ids], decoder.start(1))).logits.data as Numbers, wanted, CLOSE)
  let state = decoder.start(1)
  for (const [at, id] of ids.entries()) {
    const step = await decoder.run([[id]], state)
    expectClose(step.logits.data as Numbers, wanted.subarray(at * decoder.vocab, (at + 1) * decoder.vocab), CLOSE)
    state = step.state
  }
  expect(wanted.length).toBe(ids.length * decoder.vocab)
  decoder.close()
})
