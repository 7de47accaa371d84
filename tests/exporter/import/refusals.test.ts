import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { importModel } from '../../../exporter/import/import.ts'
import { loadBundle } from '../../../runtime/bundle.ts'
import { fixtures } from '../../support/published.ts'
import { temporaryFolder } from '../../support/temporary.ts'

type Json = Record<string, unknown>

/** A copy of a published folder whose configuration and tensors' header were changed. */
function changed(name: string, config: (json: Json) => void, header: (json: Json) => void = () => {}): string {
  const folder = join(temporaryFolder(), name)
  cpSync(join(fixtures, 'models', name), folder, { recursive: true })
  const at = join(folder, 'config.json')
  const json = JSON.parse(readFileSync(at, 'utf8')) as Json
  config(json)
  writeFileSync(at, JSON.stringify(json))
  const file = join(folder, 'model.safetensors')
  const bytes = readFileSync(file)
  const length = Number(bytes.readBigUInt64LE(0))
  const tensors = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Json
  header(tensors)
  const text = Buffer.from(JSON.stringify(tensors))
  const padded = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, ' ')])
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(padded.length))
  writeFileSync(file, Buffer.concat([size, padded, bytes.subarray(8 + length)]))
  return folder
}

const nothing = (): void => {}
const rename = (from: string, to: string) => (tensors: Json) => {
  tensors[to] = tensors[from]
  delete tensors[from]
}
const Q = 'model.layers.0.self_attn.q_proj.weight'

describe.skipIf(!existsSync(fixtures))('an import', () => {
  test.each<[what: string, folder: () => string, sentence: RegExp]>([
    [
      'a family that is not known',
      () => changed('gemma3', (c) => (c['model_type'] = 'gemma3n_text')),
      /model_type: expected one of .*got "gemma3n_text"/,
    ],
    ['Qwen3.8-Flash-Next', () => changed('qwen3', (c) => (c['model_type'] = 'qwen4_exp')), /got "qwen4_exp"/],
    [
      'an option that is not known',
      () => changed('llama', (c) => (c['residual_streams'] = 4)),
      /residual_streams: 4 is not known for llama/,
    ],
    [
      'another activation',
      () => changed('llama', (c) => (c['hidden_act'] = 'tanh')),
      /hidden_act: expected one of .*got "tanh"/,
    ],
    [
      'a kind of rotation that is not known',
      () => changed('llama', (c) => (c['rope_scaling'] = { rope_type: 'longrope' })),
      /rope_type: expected .*got longrope/,
    ],
    [
      'another way to compute',
      () => changed('gpt2', (c) => (c['add_cross_attention'] = true)),
      /add_cross_attention: true is not known/,
    ],
    [
      'a missing tensor',
      () => changed('llama', nothing, (t) => delete t[Q]),
      /q_proj\.weight, got none|leaves bytes .* unused/,
    ],
    [
      'a tensor that nothing takes',
      () => changed('llama', nothing, rename(Q, 'model.layers.0.self_attn.q_proj.extra')),
      /q_proj\.weight, got none/,
    ],
    [
      'a misshapen tensor',
      () => changed('llama', nothing, (t) => ((t[Q] as Json)['shape'] = [32, 128])),
      /q_proj\.weight: expected the numbers of .*got \[32, 128\]/,
    ],
  ])('refuses %s in one sentence, and writes nothing', async (_, folder, sentence) => {
    const out = join(temporaryFolder(), 'out')
    await expect(importModel({ source: folder(), out, quantization: 'none' })).rejects.toThrow(sentence)
    expect(existsSync(out)).toBe(false)
  })

  test('refuses a tensor that nothing takes beside all others', async () => {
    const more = (t: Json): void => void (t['model.layers.7.mlp.up_proj.weight'] = t['model.norm.weight'])
    const out = join(temporaryFolder(), 'out')
    const source = changed('llama', nothing, more)
    await expect(importModel({ source, out, quantization: 'none' })).rejects.toThrow(/overlap|layers\.7\.mlp\.up_proj/)
    expect(existsSync(out)).toBe(false)
  })

  test('killed at any moment leaves nothing that looks finished', async () => {
    const folder = temporaryFolder()
    const out = join(folder, 'bundle')
    const command = join(import.meta.dirname, '../../../clients/cli/bin.js')
    let [finished, killed] = [0, 0]
    for (let run = 0; run < 12; run++) {
      const child = spawn(process.execPath, [command, 'import', join(fixtures, 'models/qwen3_5'), '--out', out])
      const ended = once(child, 'exit')
      const timer = setTimeout(() => child.kill('SIGKILL'), 600 + 250 * run)
      const [code] = (await ended) as [number | null]
      clearTimeout(timer)
      if (code === 0) finished++
      else killed++
      if (existsSync(out)) await loadBundle(out) // throws unless it is whole
      else expect(code).toBeNull()
    }
    // What was left half is removed by the next import that ends
    await importModel({ source: join(fixtures, 'models/qwen3_5'), out, quantization: 'none' })
    expect(readdirSync(folder)).toEqual(['bundle'])
    expect(finished + killed).toBe(12)
    expect(killed).toBeGreaterThan(0)
  })
})
