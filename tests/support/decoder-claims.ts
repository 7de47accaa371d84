/** What every imported decoder is held to: what transformers computes, and what a server relies on. */
import { expect } from 'vitest'
import type { Bundle } from '../../runtime/bundle.ts'
import { openDecoder, type Decoder } from '../../runtime/decoder.ts'
import { withEarlierPages, type SessionState } from '../../server/checkpoint.ts'
import type { Row, Runner } from '../../server/engine/runner.ts'
import { expectClose, expectSameBits } from './all-close.ts'
import { openRunner, type Numbers } from './published.ts'

/** Two correct float32 implementations differ by up to this (fixtures/README.md: 1e-5 to 1e-4, with logits of about 10). */
export const CLOSE = { absolute: 1e-4, relative: 2e-5 }
export type Close = typeof CLOSE

/** Ids by name (`ids.0` ... `greedy.3`) and what was computed of them. */
export interface DecoderReference {
  ids(name: string): number[]
  numbers(name: string): Numbers
}

export const opened = (bundle: Bundle): Promise<Decoder> =>
  openDecoder(bundle.path('decoder.onnx'), bundle.manifest.state)
const argmax = (logits: Numbers): number => logits.reduce((best, x, i) => (x > logits[best]! ? i : best), 0)

/** Logits of all ids, fed in pieces. */
async function inPieces(decoder: Decoder, ids: readonly number[], lengths: readonly number[]): Promise<Numbers> {
  let [state, at] = [decoder.start(1), 0]
  const out: Numbers[] = []
  for (const length of lengths) {
    const step = await decoder.run([ids.slice(at, at + length)], state)
    out.push(step.logits.data as Numbers)
    state = step.state
    at += length
  }
  return Float32Array.from(out.flatMap((part) => Array.from(part)))
}

/** Feeds ids to one row of a runner; returns the logits of the last one. */
async function feed(runner: Runner, row: Row, ids: readonly number[]): Promise<Numbers> {
  const [result] = await runner.step([{ row, ids, use: 'decode', logits: 'last' }])
  if (!result || 'error' in result) throw result?.error ?? new Error('no result')
  return result.logits.slice(0, runner.vocab)
}

/** Logits of all positions and 24 greedy tokens after each of four prompts. */
export async function expectReference(bundle: Bundle, reference: DecoderReference, close: Close): Promise<void> {
  const decoder = await opened(bundle)
  for (const prompt of [0, 1, 2, 3]) {
    const ids = reference.ids(`ids.${prompt}`)
    const wanted = reference.ids(`greedy.${prompt}`)
    const behind = reference.numbers(`greedy_logits.${prompt}`)
    let step = await decoder.run([ids], decoder.start(1))
    if (prompt === 2) expectClose(step.logits.data as Numbers, reference.numbers('logits_all.2'), close)
    for (const [i, id] of wanted.entries()) {
      const last = (step.logits.data as Numbers).slice(-decoder.vocab)
      expectClose(last, behind.subarray(i * decoder.vocab, (i + 1) * decoder.vocab), close)
      expect(argmax(last), `prompt ${prompt}, token ${i}`).toBe(id)
      step = await decoder.run([[id]], step.state)
    }
  }
  decoder.close()
}

/** Whole = in pieces = token by token, and a later token changes nothing before it. */
export async function expectPieces(bundle: Bundle, reference: DecoderReference, close: Close): Promise<void> {
  const decoder = await opened(bundle)
  const ids = reference.ids('ids.2')
  const whole = await inPieces(decoder, ids, [ids.length])
  for (const lengths of [[1, 2, 3, 27], [17, 15, 1], ids.map(() => 1)])
    expectClose(await inPieces(decoder, ids, lengths), whole, close)
  const other = await inPieces(decoder, ids.with(20, (ids[20]! + 1) % decoder.vocab), [ids.length])
  expectClose(other.subarray(0, 20 * decoder.vocab), whole.subarray(0, 20 * decoder.vocab), close)
  expect(other.slice(20 * decoder.vocab)).not.toEqual(whole.slice(20 * decoder.vocab))
  decoder.close()
}

/** Saved after a prompt and restored elsewhere = uninterrupted; rows of any lengths together = each alone. To the bit. */
export async function expectSavedAndBatched(bundle: Bundle, reference: DecoderReference): Promise<void> {
  const prompts = [0, 1, 2, 3].map((prompt) => reference.ids(`ids.${prompt}`))
  const next = [5, 9, 13, 4, 8]
  const alone: { logits: Numbers[]; state: SessionState }[] = []
  const runner = await openRunner(bundle)
  for (const ids of prompts) {
    const slot = runner.open('', null, 0)
    for (let at = 0; at < ids.length; at += runner.prefillChunk)
      await feed(runner, slot, ids.slice(at, at + runner.prefillChunk))
    const state = withEarlierPages(runner.save(slot, 0), null)
    runner.release(slot)
    const row = runner.open('', state, ids.length)
    const logits: Numbers[] = []
    for (const id of next) logits.push(await feed(runner, row, [id]))
    runner.release(row)
    alone.push({ logits, state })
  }
  // Elsewhere, together, and each moved once in between.
  const other = await openRunner(bundle)
  let rows = prompts.map((ids, i) => other.open('', alone[i]!.state, ids.length))
  for (const [t, id] of next.entries()) {
    const results = await other.step(rows.map((row) => ({ row, ids: [id], use: 'decode', logits: 'last' as const })))
    for (const [i, result] of results.entries()) {
      if ('error' in result) throw result.error
      expectSameBits(result.logits.slice(0, other.vocab), alone[i]!.logits[t]!, `prompt ${i}, token ${t}`)
    }
    if (t !== 2) continue
    const saved = rows.map((row) => other.save(row, 0))
    for (const row of rows) other.release(row)
    rows = saved.map((state, i) => other.open('', state, prompts[i]!.length + t + 1))
  }
  runner.close()
  other.close()
}
