/** How far engines are from a reference: KL of their distributions on a text, and greedy tokens that are the same. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine } from './engine-process.ts'

const numbers = (row: string): Float32Array => new Float32Array(new Uint8Array(Buffer.from(row, 'base64')).buffer)

/** Prints the divergence of `others` from the reference, and how many of 20 prompts `ours` continue like it. */
export async function printDistances(
  reference: Engine,
  others: readonly Engine[],
  ours: readonly Engine[],
): Promise<void> {
  const file = process.env['TEXT'] ?? join(import.meta.dirname, '../../../../shared/data/wizard-of-oz.txt')
  const book = await readFile(file, 'utf8')
  const text = book.slice(20_000, 21_100)
  const expected = await reference.ask<{ tokens: number[]; rows: string[] }>({ kind: 'distributions', text })
  for (const engine of others) {
    const got = await engine.ask<{ rows: string[] }>({ kind: 'distributions', text, tokens: expected.tokens })
    const sum = expected.rows.reduce((total, row, i) => total + divergence(numbers(row), numbers(got.rows[i]!)), 0)
    const mean = (sum / expected.rows.length).toFixed(5)
    console.log(`KL of ${engine.name} to ${reference.name} on ${expected.tokens.length} tokens: ${mean}`)
  }
  const prompts = Array.from({ length: 20 }, (_, i) => book.slice(3000 * (i + 1), 3000 * (i + 1) + 120))
  const same = new Map(ours.map((engine) => [engine, 0]))
  for (const own of prompts) {
    const { prompt, made } = await reference.ask<{ prompt: number[]; made: number[] }>({
      kind: 'greedy',
      text: own,
      tokens: 24,
    })
    for (const engine of ours) {
      const other = await engine.ask<{ made: number[] }>({ kind: 'greedy', prompt, tokens: 24 })
      if (made.join() === other.made.join()) same.set(engine, same.get(engine)! + 1)
    }
  }
  for (const [engine, count] of same)
    console.log(`${engine.name}: ${count} of 20 prompts continued with the same 24 greedy tokens as ${reference.name}`)
}

function divergence(p: Float32Array, q: Float32Array): number {
  return p.reduce((kl, x, id) => (x > 0 ? kl + x * Math.log(x / Math.max(q[id]!, 1e-30)) : kl), 0)
}
