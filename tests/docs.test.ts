/** The documents name files that exist, and their examples run. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import type { Architecture } from '../models/architecture.ts'
import { loadTensorFlow } from '../trainer/backends/tensorflow/load.ts'
import { expectClose } from './support/all-close.ts'
import { eagerRun, openModel, randomIds, randomWeights } from './support/decoders.ts'
import { temporaryFolder } from './support/temporary.ts'

const root = join(import.meta.dirname, '..')
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((f) => `docs/${f}`),
].filter((file) => file.endsWith('.md') && !file.startsWith('docs/results/'))
const read = (page: string): string => readFileSync(join(root, page), 'utf8')

/** Files that a reader of the pages makes. */
const MADE = new Set(['models/architectures/average.ts'])

test.each(pages)('every file that %s names exists', (page) => {
  const text = read(page)
  const named = text.matchAll(
    /(?<![\w./-])(?:clients|docs|exporter|models|runtime|server|tests|trainer)\/[\w./-]+\.\w+/g,
  )
  const linked = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link]) => join(page, '..', link as string))
  const missing = [...[...named].map(([path]) => path), ...linked].filter((path) => !existsSync(join(root, path)))
  expect(missing.filter((path) => !MADE.has(path))).toEqual([])
})

test('every operation that the pages name exists', () => {
  const operations = new Set([...read('models/ops.ts').matchAll(/^  (\w+)[(<]/gm)].map(([, name]) => name))
  const named = pages.flatMap((page) => [...read(page).matchAll(/\bop\.(\w+)/g)].map(([, name]) => name))
  expect(named.filter((name) => !operations.has(name))).toEqual([])
})

test('the architecture of docs/add-an-architecture.md is one: TF.js = ONNX Runtime, whole = token by token', async () => {
  const [, code] = /```ts\n(\/\*\*.*?)```/s.exec(read('docs/add-an-architecture.md')) ?? []
  const models = (path: string): string => pathToFileURL(join(root, 'models', path)).href
  const file = join(temporaryFolder(), 'average.ts')
  writeFileSync(
    file,
    code!.replaceAll(/from '\.\.\/(.*?)'/g, (_, path: string) => `from '${models(path)}'`),
  )
  const { average } = (await import(pathToFileURL(file).href)) as { average: Architecture }
  const model = average.model({ vocab: 23, width: 16, hidden: 24 })
  const weights = randomWeights(model)
  const ids = randomIds(23, 12, 1)
  const decoder = await openModel(model, 'fused', weights)
  const whole = (await decoder.run([ids], decoder.start(1))).logits.data as Float32Array
  const expected = eagerRun((await loadTensorFlow('cpu')).tf, model, weights, [ids])
  expectClose(whole, expected.logits, { absolute: 2e-5, relative: 1e-4, what: 'logits' })
  let state = decoder.start(1)
  for (const [t, id] of ids.entries()) {
    const step = await decoder.run([[id]], state)
    state = step.state
    const logits = step.logits.data as Float32Array
    expectClose(logits, whole.subarray(t * 23, (t + 1) * 23), { absolute: 2e-5, relative: 1e-4, what: `token ${t}` })
  }
})
