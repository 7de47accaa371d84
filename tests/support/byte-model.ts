/** A published model of ../shared/fixtures that reads and writes bytes, so that it can be talked to. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { importModel } from '../../exporter/import/import.ts'
import type { KvDtype } from '../../exporter/kv-cache.ts'
import { byteTokenizer } from './byte-tokenizer.ts'
import { fixtures } from './published.ts'

/** Imports the model `name` into a new bundle in `folder`, which is returned; `config` changes its configuration. */
export async function importByteModel(
  name: string,
  folder: string,
  config: object = {},
  kv?: KvDtype,
): Promise<string> {
  const [source, out] = [join(folder, `${name}-source`), join(folder, name)]
  cpSync(join(fixtures, 'models', name), source, { recursive: true })
  const file = join(source, 'config.json')
  const published = JSON.parse(readFileSync(file, 'utf8')) as object
  writeFileSync(file, JSON.stringify({ ...published, ...config }))
  const { tokenizer, config: about } = byteTokenizer()
  writeFileSync(join(source, 'tokenizer.json'), JSON.stringify(tokenizer))
  writeFileSync(join(source, 'tokenizer_config.json'), JSON.stringify(about))
  await importModel({ source, out, name, quantization: 'none', kv })
  return out
}
