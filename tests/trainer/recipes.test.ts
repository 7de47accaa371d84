import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { families } from '../../models/families/registry.ts'
import { createModel } from '../../models/registry.ts'
import { countParameters, flatten } from '../../models/spec.ts'
import type { TextCodec } from '../../runtime/text.ts'
import { backendOptionsOf } from '../../trainer/run/prepare.ts'
import { readRecipe, recipeText, withAbsolutePaths } from '../../trainer/recipes/recipe-file.ts'
import { recipes } from '../../trainer/recipes/registry.ts'
import { settingsHelp } from '../../trainer/recipes/settings-help.ts'
import { recipeWith } from '../../trainer/recipes/settings.ts'
import { learningRateShare, warmupSteps } from '../../trainer/run/schedule.ts'
import { temporaryFolder } from '../support/temporary.ts'

function written(content: unknown): string {
  const path = join(temporaryFolder(), 'recipe.json')
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

describe('a recipe as a file', () => {
  test.each([...recipes.keys()])('%s is read back as it was printed', async (name) => {
    const recipe = recipes.get(name)!
    expect(await readRecipe(written(recipeText(recipe)))).toEqual(recipe)
  })

  test('says what it changes of the recipe that it names, or of the defaults', async () => {
    const changed = await readRecipe(written({ name: 'mqar', batch: 4, optimizer: { clip: 2 } }))
    expect(changed).toEqual({
      ...recipes.get('mqar')!,
      batch: 4,
      optimizer: { ...recipeWith('delta', []).optimizer, clip: 2 },
    })
    const own = { name: 'mine', architecture: 'delta', model: { width: 32 }, data: { kind: 'text', files: ['a.txt'] } }
    expect(await readRecipe(written(own))).toMatchObject({ ...own, batch: 8, schedule: { kind: 'cosine' } })
  })

  test.each([
    ['{', /recipe\.json: expected JSON: /],
    ['[]', /recipe\.json: expected an object with the settings of a recipe/],
    ['{"name":"delta","bacth":4}', /recipe\.json: bacth: no such option; there are tokenizer/],
    ['{"name":"mine"}', /recipe\.json: architecture: expected a text, got undefined/],
    [
      '{"name":"delta","data":{"kind":"texts"}}',
      /recipe\.json: data\.kind: expected one of text, keeper, notes, sentences, claims, reading, small-talk, task, got "texts"/,
    ],
    [
      '{"name":"delta","data":{"kind":"text","files":"a.txt"}}',
      /recipe\.json: data\.files: expected a list of strings, got "a\.txt"/,
    ],
  ])('%s is refused in one sentence', async (content, sentence) => {
    await expect(readRecipe(written(content))).rejects.toThrow(sentence)
  })

  test('has absolute paths once it is trained, but for names of a hub', () => {
    const settings = [
      'data.files=["a.txt","/b.txt","hub:own/tales"]',
      'data.heldOut=["c.txt"]',
      'start.checkpoint=runs/x',
    ]
    const { data, start, tokenizer } = withAbsolutePaths(recipeWith('delta', settings))
    expect(data).toMatchObject({ files: [resolve('a.txt'), '/b.txt', 'hub:own/tales'], heldOut: [resolve('c.txt')] })
    expect(start).toEqual({ checkpoint: resolve('runs/x'), gpt2: '', mamba: '' })
    expect(tokenizer.folder).toBe('')
  })
})

describe('the recipe of a family', () => {
  test.each([...families.keys()])(
    '%s makes a small model that can be served, and carries what has one size',
    (name) => {
      const recipe = recipes.get(name)!
      const model = createModel(name, recipe.model, 259)
      expect(model.trainingOnly).toBeUndefined()
      expect(model.layers).toBeGreaterThan(1)
      expect(countParameters(model.params)).toBeLessThan(2e6)
      const grows = flatten(model.state).some(([, { shape }]) => shape.includes('time'))
      expect(recipe.carry).toBe(!grows)
    },
  )

  test('takes rows no longer than the positions that are learned', () => {
    const recipe = recipeWith('gpt2', ['model.n_positions=64'])
    const codec = { vocabSize: 259 } as TextCodec
    const choices = { threads: 1, devices: [{ device: 'cpu' as const, id: 0 }] }
    expect(() => backendOptionsOf(recipe, codec, choices)).toThrow(
      'sequenceLength: expected at most 64, the positions that gpt2 learns, got 256',
    )
    expect(backendOptionsOf({ ...recipe, sequenceLength: 64 }, codec, choices).sequenceLength).toBe(64)
  })
})

describe('the warm-up', () => {
  test('is in proportion to the steps, and as many updates as before at those that a recipe has', () => {
    expect(warmupSteps({ warmup: 0.05, steps: 20 })).toBe(1)
    expect(warmupSteps({ warmup: 50, steps: 1000 })).toBe(50)
    expect([...recipes.values()].map(({ schedule }) => warmupSteps(schedule)).filter((steps) => steps !== 50)).toEqual([
      400, 400, 45, 48, 27, 80,
    ])
  })

  test('never exceeds the peak, and reaches it where there is a warm-up', () => {
    const plan = fc.record({
      steps: fc.integer({ min: 1, max: 500 }),
      warmup: fc.double({ min: 0, max: 0.99, noNaN: true }),
    })
    fc.assert(
      fc.property(plan, ({ steps, warmup }) => {
        const schedule = { kind: 'cosine' as const, steps, warmup, minRatio: 0.1 }
        const shares = Array.from({ length: steps }, (_, step) => learningRateShare(schedule, step))
        expect(Math.max(...shares)).toBeLessThanOrEqual(1)
        expect(shares[Math.max(0, warmupSteps(schedule) - 1)]).toBeCloseTo(1, 10)
      }),
    )
  })
})

describe('the help of settings', () => {
  test("has a recipe's own values and its architecture alone, each setting with its meaning", () => {
    const help = settingsHelp(recipes.get('mqar'))
    expect(help).toMatch(/^ {2}batch=16 +rows of a batch/m)
    expect(help).toMatch(/^ {2}keys=256 +rows of a memory/m)
    expect(help).toContain('data.task="mqar"')
    expect(help).not.toContain('Options of rsm')
    for (const line of help.split('\n').filter((text) => /^ {2}\S+=/.test(text))) expect(line).toMatch(/=.* \S+ \S+/)
  })
})
