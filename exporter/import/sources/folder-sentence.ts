/** What sentence-transformers wrote beside an encoder: which modules follow it, how they pool, and the longest text. */
import { join } from 'node:path'
import { SourceError, type SentenceSettings } from './contract.ts'
import { readJsonListIfThere, readJsonObjectIfThere } from './json.ts'

type Json = Readonly<Record<string, unknown>>

const MODES = {
  cls: 'pooling_mode_cls_token',
  mean: 'pooling_mode_mean_tokens',
  max: 'pooling_mode_max_tokens',
} as const

/** Reads modules.json and what it names; undefined if there is no modules.json. Throws SourceError. */
export async function readSentenceSettings(folder: string): Promise<SentenceSettings | undefined> {
  const file = join(folder, 'modules.json')
  const modules = await readJsonListIfThere(file)
  if (!modules) return undefined
  // Types are dotted names whose first parts have changed between versions.
  const kinds = modules.map(({ type }) => String(type).split('.').at(-1)!)
  const [first, pooling, ...rest] = kinds
  if (first !== 'Transformer' || pooling !== 'Pooling' || rest.length > 1 || (rest[0] ?? 'Normalize') !== 'Normalize')
    throw new SourceError(
      `${file}: expected Transformer, Pooling and maybe Normalize, got ${kinds.join(', ') || 'none'}`,
    )
  await refusePrompts(join(folder, 'config_sentence_transformers.json'))
  const settings = (await readJsonObjectIfThere(join(folder, 'sentence_bert_config.json'))) ?? {}
  const { max_seq_length: most, do_lower_case: lower } = settings
  return {
    pooling: await readPooling(folder, file, modules[1]!['path']),
    normalize: rest.length === 1,
    maxTokens: typeof most === 'number' && Number.isInteger(most) && most > 0 ? most : null,
    lowerCase: lower === true,
  }
}

async function readPooling(folder: string, modules: string, path: unknown): Promise<SentenceSettings['pooling']> {
  if (typeof path !== 'string' || !/^\w[\w-]*$/.test(path))
    throw new SourceError(`${modules}: path: expected a folder beside it, got ${JSON.stringify(path)}`)
  const file = join(folder, path, 'config.json')
  const config: Json | undefined = await readJsonObjectIfThere(file)
  if (!config) return null
  const on = Object.keys(config).filter((key) => key.startsWith('pooling_mode_') && config[key] === true)
  const named = typeof config['pooling_mode'] === 'string' ? [`pooling_mode ${config['pooling_mode']}`] : on
  const found = Object.entries(MODES).find(([mode, key]) => named[0] === key || named[0] === `pooling_mode ${mode}`)
  if (named.length !== 1 || !found)
    throw new SourceError(
      `${file}: expected one of ${Object.values(MODES).join(', ')}, got ${named.join(', ') || 'none'}`,
    )
  return found[0] as SentenceSettings['pooling']
}

/** A prompt that is put before every text would change all vectors. */
async function refusePrompts(file: string): Promise<void> {
  const name = (await readJsonObjectIfThere(file))?.['default_prompt_name']
  if (name !== undefined && name !== null)
    throw new SourceError(
      `${file}: default_prompt_name: expected none, since no prompt is added; got ${JSON.stringify(name)}`,
    )
}
