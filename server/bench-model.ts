/** What a measurement of unloading needs beside a bundle: a second model of its size, and a budget for one of both. */
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { decoderOf, loadBundle } from '../runtime/bundle.ts'
import { MANIFEST_FILE } from '../runtime/manifest.ts'
import { DEFAULT_EMBEDDER, embedderSource } from './cli.ts'
import { loadConfig, type ConfigSource } from './config.ts'
import { memoryOf, sequenceBytes } from './engine/model-memory.ts'
import { cacheBytes, limitsOf } from './limits.ts'

/** A model to serve, and its twin: the same files under another name, with no limit of its context. */
export interface BenchModel {
  readonly bundle: string
  readonly name: string
  readonly twin: { readonly bundle: string; readonly name: string }
  /** `--memory` that holds one of the two with a sequence of `tokens`, and not both. */
  memoryFor(tokens: number): number
}

/**
 * Writes the twin of a bundle into `folder`. `settings` are those that the server is started with. Throws where the bundle
 * cannot be loaded or has no decoder.
 */
export async function benchModel(bundle: string, folder: string, settings: ConfigSource = {}): Promise<BenchModel> {
  const { dir, manifest } = await loadBundle(bundle)
  decoderOf(manifest)
  // It is served too, and counts.
  const embedder = embedderSource(await loadBundle(DEFAULT_EMBEDDER)).bytes
  const twin = { bundle: join(folder, 'twin'), name: `${manifest.name}-twin` }
  await writeTwin(dir, twin)
  return {
    bundle: dir,
    name: manifest.name,
    twin,
    memoryFor(tokens) {
      const memory = memoryOf(manifest, loadConfig(settings, {}).maxBatch)
      const loaded = memory.weights + memory.idle
      // Half of the second model is missing.
      return withCaches(embedder + loaded + sequenceBytes(memory, tokens) + Math.floor(loaded / 2), settings)
    },
  }
}

async function writeTwin(dir: string, { bundle, name }: BenchModel['twin']): Promise<void> {
  const { maxTokens: _, ...manifest } = JSON.parse(await readFile(join(dir, MANIFEST_FILE), 'utf8')) as {
    maxTokens?: number
    files: Record<string, unknown>
  }
  for (const file of Object.keys(manifest.files)) {
    await mkdir(dirname(join(bundle, file)), { recursive: true })
    await symlink(join(dir, file), join(bundle, file))
  }
  await writeFile(join(bundle, MANIFEST_FILE), `${JSON.stringify({ ...manifest, name }, null, 2)}\n`)
}

/** The budget of which `bytes` are left once the caches have their shares. */
function withCaches(bytes: number, settings: ConfigSource): number {
  let memory = bytes
  const left = (): number => {
    const config = loadConfig({ ...settings, memory: String(memory) }, {})
    const { states, resident } = cacheBytes(config)
    return memory - limitsOf(config).localStateBytes - states - resident
  }
  // The caches' share is less than a quarter, so what is missing shrinks by that with each turn.
  while (left() < bytes) memory += bytes - left()
  return memory
}
