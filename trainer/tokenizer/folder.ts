/** A folder with a tokenizer, as transformers writes it, read as the two files that runs and bundles have. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openText, type TextCodec } from '../../runtime/text.ts'
import { parseJson, readText } from '../files.ts'
import { TokenizerError } from './format.ts'

/** The texts of tokenizer.json and tokenizer_config.json. */
export interface TokenizerTexts {
  readonly tokenizer: string
  readonly config: string
}

/**
 * Reads a folder's tokenizer. A chat template in a file of its own (chat_template.jinja, as transformers saves it since
 * 4.50) goes into the configuration. Throws TokenizerError that says which file is missing and what it is for.
 */
export async function readTokenizerFolder(folder: string): Promise<TokenizerTexts> {
  const at = (file: string): string => join(folder, file)
  if (!existsSync(folder)) throw new TokenizerError(`${folder}: expected a folder with a tokenizer, found nothing`)
  if (!existsSync(at('tokenizer.json')))
    throw new TokenizerError(
      `${folder}: expected tokenizer.json, found none; mneme tokenizer makes one, and transformers saves it: ` +
        'AutoTokenizer.from_pretrained(NAME).save_pretrained(FOLDER)',
    )
  if (!existsSync(at('tokenizer_config.json')))
    throw new TokenizerError(
      `${folder}: expected tokenizer_config.json beside tokenizer.json: it names the token that ends a document ` +
        '(eos_token) and has the chat template; without a template this is enough: {"eos_token": "<|endoftext|>"}',
    )
  const tokenizer = await readText(at('tokenizer.json'))
  const config = await readText(at('tokenizer_config.json'))
  if (!existsSync(at('chat_template.jinja'))) return { tokenizer, config }
  const merged = { ...(parseJson(config, at('tokenizer_config.json')) as object) }
  const template = await readText(at('chat_template.jinja'))
  return { tokenizer, config: `${JSON.stringify({ ...merged, chat_template: template }, null, 2)}\n` }
}

/** Opens a folder's tokenizer. Throws TokenizerError or TextError. */
export async function openTokenizerFolder(folder: string): Promise<{ codec: TextCodec; sha256: string }> {
  const { tokenizer, config } = await readTokenizerFolder(folder)
  const files = {
    tokenizer: parseJson(tokenizer, join(folder, 'tokenizer.json')) as object,
    config: parseJson(config, join(folder, 'tokenizer_config.json')) as object,
  }
  return { codec: openText(files), sha256: createHash('sha256').update(tokenizer).digest('hex') }
}
