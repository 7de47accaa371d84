import * as fc from 'fast-check'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadBundle } from '../../../runtime/bundle.ts'
import { openGraph } from '../../../runtime/open-graph.ts'
import { withEarlierPages, type SessionState } from '../../../server/checkpoint.ts'
import { createOrtRunner } from '../../../server/engine/ort-runner.ts'
import { Line } from '../../../server/engine/residents.ts'
import type { Row, Runner } from '../../../server/engine/runner.ts'
import { writeAttentionBundle } from '../../support/attention-bundle.ts'

const OWNER = 'somebody'

interface Saved {
  readonly tokens: readonly number[]
  readonly state: SessionState
}

let folder: string
beforeAll(async () => {
  folder = await writeAttentionBundle(mkdtempSync(join(tmpdir(), 'mneme-')))
  return () => rmSync(folder, { recursive: true })
})

async function open(residentBytes: number): Promise<Runner> {
  const bundle = await loadBundle(folder)
  return createOrtRunner(bundle, await openGraph(bundle.path('decoder.onnx'), { threads: 1 }), 4, residentBytes)
}

async function feed(runner: Runner, row: Row, ids: readonly number[], use: 'prefill' | 'decode' = 'prefill') {
  const [result] = await runner.step([{ row, ids, use, logits: 'last' }])
  if (!result || 'error' in result) throw result?.error ?? new Error('no result')
  return result.logits.slice()
}

/** Comparing numbers one by one, as expect does, takes longer than computing them. */
const isSame = (a: Float32Array | Uint8Array, b: Float32Array | Uint8Array): boolean =>
  Buffer.compare(
    Buffer.from(a.buffer, a.byteOffset, a.byteLength),
    Buffer.from(b.buffer, b.byteOffset, b.byteLength),
  ) === 0
const sameState = (a: SessionState, b: SessionState): boolean =>
  isSame(a.fixed, b.fixed) &&
  a.pages.length === b.pages.length &&
  a.pages.every((page, at) => isSame(page, b.pages[at] as Uint8Array))

/** A state without what says where it came from. */
const bare = ({ fixed, pages, firstPage }: SessionState): SessionState => ({ fixed, pages, firstPage })
/** A state whose pages are not to be read: they hold something else. */
const spoilt = (state: SessionState): SessionState => ({
  ...state,
  pages: state.pages.map((page) => new Uint8Array(page.length).fill(0x7f)),
})

describe('memory of sequences that have ended', () => {
  test('is gone on in: the pages of the state are not read', async () => {
    const runner = await open(1e9)
    const row = runner.open(OWNER, null, 0)
    await feed(runner, row, [1, 2, 3])
    const saved = runner.save(row, 0)
    await feed(runner, row, [4, 5, 6])
    runner.release(row)
    const fresh = runner.open(OWNER, bare(saved), 3)
    const expected = await feed(runner, fresh, [9])
    const inPlace = runner.open(OWNER, spoilt(saved), 3)
    expect(await feed(runner, inPlace, [9])).toEqual(expected)
    expect(bare(runner.save(inPlace, 0))).toEqual(bare(runner.save(fresh, 0)))
    runner.close()
  })

  test.each([
    ['another owner', (state: SessionState) => ['a stranger', state] as const, 3],
    ['nobody has kept it', (state: SessionState) => [OWNER, bare(state)] as const, 3],
  ])('is never used where %s asks for it', async (_, asked, position) => {
    const runner = await open(1e9)
    const row = runner.open(OWNER, null, 0)
    await feed(runner, row, [1, 2, 3])
    const saved = runner.save(row, 0)
    runner.release(row)
    const [owner, state] = asked(saved)
    const other = runner.open(owner, spoilt(state), position)
    expect(bare(runner.save(other, 0))).toEqual(spoilt(bare(saved)))
    runner.close()
  })

  test('is given back when its owner is forgotten, and when there is no room', async () => {
    const runner = await open(1e9)
    const row = runner.open(OWNER, null, 0)
    await feed(runner, row, [1, 2, 3])
    const saved = runner.save(row, 0)
    runner.release(row)
    runner.forget(OWNER)
    expect(bare(runner.save(runner.open(OWNER, spoilt(saved), 3), 0))).toEqual(spoilt(bare(saved)))
    runner.close()
    const small = await open(1000)
    const other = small.open(OWNER, null, 0)
    await feed(small, other, [1, 2, 3])
    const kept = small.save(other, 0)
    small.release(other)
    expect(bare(small.save(small.open(OWNER, spoilt(kept), 3), 0))).toEqual(spoilt(bare(kept)))
    small.close()
  })

  test('gives any tree of turns the bits that it has without it', async () => {
    const step = fc.record({
      from: fc.nat(),
      feed: fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 3 }),
      decode: fc.nat(4),
      together: fc.boolean(),
      keep: fc.boolean(),
    })
    const budgets = fc.constantFrom(1e9, 400_000)
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), budgets, async (steps, budget) => {
        const [warm, cold] = [await open(budget), await open(0)]
        const known: Saved[] = []
        for (const [seed, { from, feed: lengths, decode, together, keep }] of steps.entries()) {
          const base = known.length > 0 ? (known[from % (known.length + 1)] ?? null) : null
          const position = base?.tokens.length ?? 0
          const rows = [
            [warm, warm.open(OWNER, base?.state ?? null, position)],
            [cold, cold.open(OWNER, base && bare(base.state), position)],
          ] as const
          const beside = together ? rows.map(([runner]) => [runner, runner.open('other', null, 0)] as const) : []
          const tokens = [...(base?.tokens ?? [])]
          const take = async (ids: readonly number[], use: 'prefill' | 'decode'): Promise<void> => {
            const [a, b] = [await feed(...rows[0], ids, use), await feed(...rows[1], ids, use)]
            expect(isSame(a, b)).toBe(true)
            tokens.push(...ids)
            const states = rows.map(([runner, row]) => runner.save(row, Math.floor(position / 64)))
            const [mine, theirs] = states.map((state) => withEarlierPages(state, base?.state ?? null))
            expect(sameState(mine!, theirs!)).toBe(true)
            if (keep) known.push({ tokens: [...tokens], state: mine! })
          }
          for (const [i, length] of lengths.entries())
            await take(
              Array.from({ length }, (_, at) => (seed * 31 + i * 7 + at) % 250),
              'prefill',
            )
          for (let at = 0; at < decode; at++) {
            for (const [runner, row] of beside)
              await runner.step([
                { row, ids: [at], use: 'decode', logits: 'last' },
                ...rows
                  .filter(([r]) => r === runner)
                  .map(([, own]) => ({ row: own, ids: [seed], use: 'decode' as const, logits: 'last' as const })),
              ])
            if (together) tokens.push(seed)
            else await take([seed + at], 'decode')
          }
          for (const [runner, row] of [...rows, ...beside]) runner.release(row)
        }
        warm.close()
        cold.close()
      }),
      { numRuns: 10 },
    )
  })
})

describe('what a memory holds', () => {
  test('is what was written there last, whatever turns came and went', () => {
    const move = fc.record({ back: fc.nat(300), more: fc.integer({ min: 1, max: 100 }) })
    fc.assert(
      fc.property(fc.array(move, { maxLength: 30 }), (moves) => {
        const line = new Line()
        let content: number[] = []
        let unique = 0
        const saved: { readonly stamp: number; readonly content: readonly number[] }[] = []
        for (const { back, more } of [{ back: 0, more: 5 }, ...moves]) {
          const position = Math.max(0, content.length - back)
          line.goOn(position)
          content = [...content.slice(0, position), ...Array.from({ length: more }, () => unique++)]
          saved.push({ stamp: line.refer().stamp, content: [...content] })
          for (const one of saved) {
            const isThere = one.content.every((value, at) => value === content[at])
            if (line.holds(one.stamp, one.content.length)) expect(isThere).toBe(true)
          }
          // The last one is always there.
          expect(line.holds(saved.at(-1)!.stamp, content.length)).toBe(true)
        }
      }),
    )
  })
})
