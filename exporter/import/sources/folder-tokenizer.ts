/** The tokenizer of a model folder, with the chat template and the ends of replies from wherever the folder says them. */
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { SourceError, type TokenizerContents } from './contract.ts'
import { readJsonObjectIfThere, readTextIfThere } from './json.ts'

type Json = Readonly<Record<string, unknown>>

/** What other files than tokenizer.json a tokenizer may be in; it cannot be read from them. */
const OTHER_TOKENIZERS = ['tokenizer.model', 'spiece.model', 'vocab.json', 'vocab.txt', 'tekken.json', 'merges.txt']

/**
 * Reads the tokenizer of a folder; null if it has none. `eos_token` of the configuration holds every token that ends a
 * reply: the tokenizer's own first, then those of generation_config.json, or else of config.json. Throws SourceError.
 */
export async function readFolderTokenizer(
  folder: string,
  model: Json,
  generation: Json,
): Promise<TokenizerContents | null> {
  const tokenizer = await readJsonObjectIfThere(join(folder, 'tokenizer.json'))
  if (!tokenizer) {
    const other = (await readdir(folder)).find((name) => OTHER_TOKENIZERS.includes(name))
    if (other === undefined) return null
    throw new SourceError(
      `${folder}: expected tokenizer.json, found only ${other}; write it with transformers: ` +
        `AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)`,
    )
  }
  const written =
    (await readJsonObjectIfThere(join(folder, 'tokenizer_config.json'))) ??
    (await readJsonObjectIfThere(join(folder, 'special_tokens_map.json'))) ??
    {}
  const template = await chatTemplate(folder, written)
  const config = {
    ...withSpecialTokens(written, tokenOfId(tokenizer), model, generation),
    ...(template === undefined ? {} : { chat_template: template }),
  }
  return { tokenizer, config }
}

function withSpecialTokens(config: Json, tokenOf: ReadonlyMap<number, string>, model: Json, generation: Json): Json {
  const text = flattened(model)
  const tokens = (value: unknown): string[] => [value ?? []].flat().flatMap((id) => tokenOf.get(id as number) ?? [])
  const ends = new Map([config['eos_token'] ?? []].flat().map((token) => [contentOf(token), token]))
  for (const token of tokens(generation['eos_token_id'] ?? text['eos_token_id']))
    if (!ends.has(token)) ends.set(token, token)
  const eos = [...ends.values()]
  const bos = config['bos_token'] ?? tokens(generation['bos_token_id'] ?? text['bos_token_id'])[0]
  const named = Object.hasOwn(config, 'bos_token') ? config['bos_token'] : bos
  return {
    ...config,
    ...(named === undefined ? {} : { bos_token: named }),
    ...(eos.length === 0 ? {} : { eos_token: eos.length === 1 ? eos[0] : eos }),
  }
}

function contentOf(token: unknown): unknown {
  return typeof token === 'object' && token !== null ? (token as Json)['content'] : token
}

/** Fields of a wrapper's text part stand before the wrapper's own. */
function flattened(model: Json): Json {
  const text = model['text_config']
  return typeof text === 'object' && text !== null ? { ...model, ...text } : model
}

function tokenOfId(tokenizer: Json): Map<number, string> {
  const found = new Map<number, string>()
  const vocab = (tokenizer['model'] as Json | undefined)?.['vocab']
  if (Array.isArray(vocab)) for (const [id, pair] of vocab.entries()) found.set(id, String((pair as unknown[])[0]))
  else for (const [token, id] of Object.entries((vocab ?? {}) as Record<string, number>)) found.set(id, token)
  for (const { id, content } of (tokenizer['added_tokens'] ?? []) as { id: number; content: string }[])
    found.set(id, content)
  return found
}

/** A file takes precedence over the field, as in transformers; further named templates may lie in a folder. */
async function chatTemplate(folder: string, config: Json): Promise<unknown> {
  const file = await readTextIfThere(join(folder, 'chat_template.jinja'))
  const template =
    file ??
    config['chat_template'] ??
    (await readJsonObjectIfThere(join(folder, 'chat_template.json')))?.['chat_template']
  const more = await namedTemplates(join(folder, 'additional_chat_templates'))
  if (more.length === 0 || typeof template !== 'string') return template
  return [{ name: 'default', template }, ...more]
}

async function namedTemplates(folder: string): Promise<{ name: string; template: string }[]> {
  const files = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.jinja'))
  return Promise.all(
    files.map(async (file) => ({
      name: basename(file, '.jinja'),
      template: (await readTextIfThere(join(folder, file))) ?? '',
    })),
  )
}
