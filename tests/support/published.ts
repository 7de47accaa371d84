/** Published models in small (../shared/fixtures), imported, and what transformers computes from them. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { importModel } from '../../exporter/import/import.ts'
import type { Quantization } from '../../exporter/import/weight-formats.ts'
import { loadBundle, type Bundle } from '../../runtime/bundle.ts'
import { openGraph } from '../../runtime/open-graph.ts'
import { createOrtRunner } from '../../server/engine/ort-runner.ts'
import type { Runner } from '../../server/engine/runner.ts'
import { readSafetensors } from '../../trainer/safetensors.ts'

/** A checkout on its own has no such folder. */
export const fixtures = join(import.meta.dirname, '../../../shared/fixtures')

/** Where `../shared/models/get.sh` puts published weights, if it was run. */
export const publishedWeights = join(import.meta.dirname, '../../.cache/models')

const list = (folder: string): string[] =>
  existsSync(join(fixtures, folder)) ? readdirSync(join(fixtures, folder)).toSorted() : []

/** Encoders, which write no text. */
const NO_DECODERS = ['bert']
export const folders = list('models').filter((name) => !NO_DECODERS.includes(name))
/** Files as `NAME/FILE.gguf`. */
export const ggufs = list('gguf').flatMap((name) =>
  list(`gguf/${name}`)
    .filter((file) => file.endsWith('.gguf'))
    .map((file) => `${name}/${file}`),
)

export type Numbers = Float32Array

/** The tensors of a fixture's reference.safetensors: ids and what transformers makes of them. */
export const readReference = (folder: string) => readReferenceIn(join(fixtures, folder))

export async function readReferenceIn(folder: string) {
  const { tensors } = await readSafetensors(join(folder, 'reference.safetensors'))
  return {
    ids: (name: string): number[] => Array.from(tensors[name]!.data as ArrayLike<number | bigint>, Number),
    numbers: (name: string): Numbers => tensors[name]!.data as Numbers,
  }
}

export async function importTo(out: string, source: string, quantization: Quantization = 'none'): Promise<Bundle> {
  await importModel({ source: join(fixtures, source), out, quantization })
  return loadBundle(out)
}

/** The runner that a server has, on one thread. */
export async function openRunner(bundle: Bundle, rows = 4): Promise<Runner> {
  return createOrtRunner(bundle, await openGraph(bundle.path('decoder.onnx'), { threads: 1 }), rows)
}
