/** What is read of tokenizer.json and tokenizer_config.json. */
import { z } from 'zod'
import { TextError } from './errors.ts'

/** The contents of the two files, parsed from JSON. */
export interface TokenizerFiles {
  tokenizer: object
  config: object
}

const token = z.union([z.string(), z.looseObject({ content: z.string() })])
const addedToken = z.looseObject({
  id: z.int().nonnegative(),
  content: z.string(),
  special: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
})
const tokenizerFile = z.looseObject({
  added_tokens: z.array(addedToken).default([]),
  normalizer: z.unknown().optional(),
  model: z.looseObject({
    type: z.string().optional(),
    byte_fallback: z.boolean().nullish(),
    vocab: z.union([z.record(z.string(), z.int().nonnegative()), z.array(z.tuple([z.string(), z.number()]))]),
    unk_token: z.string().nullish(),
    unk_id: z.int().nullish(),
    merges: z.array(z.union([z.string(), z.array(z.string())])).optional(),
  }),
  decoder: z.looseObject({ type: z.string() }).nullish(),
})
const configFile = z.looseObject({
  bos_token: token.nullish(),
  eos_token: z.union([token, z.array(token)]).nullish(),
  pad_token: token.nullish(),
  unk_token: token.nullish(),
  chat_template: z.union([z.string(), z.array(z.object({ name: z.string(), template: z.string() }))]).nullish(),
})

export type TokenizerFile = z.infer<typeof tokenizerFile>
export type ConfigFile = z.infer<typeof configFile>
export type AddedToken = z.infer<typeof addedToken>

/** Returns both files checked. Throws TextError that names the first thing that does not fit. */
export function parseTokenizer(files: TokenizerFiles): { tokenizer: TokenizerFile; config: ConfigFile } {
  return {
    tokenizer: parse('tokenizer.json', tokenizerFile, files.tokenizer),
    config: parse('tokenizer_config.json', configFile, files.config),
  }
}

/** Returns the text of a token, which the files write as a string or as an object with more about it. */
export function tokenText(value: z.infer<typeof token>): string {
  return typeof value === 'string' ? value : value.content
}

function parse<T>(file: string, schema: z.ZodType<T>, value: object): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new TextError(`${file}: ${issue?.path.join('.') || 'content'}: ${issue?.message ?? 'not understood'}`)
}
