/** Tokenizers as transformers saves them: ../shared/cases 19, made here. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openText } from '../../../runtime/text.ts'
import { makeTokenizer } from '../../../trainer/run/tokenizer.ts'
import { recipeWith } from '../../../trainer/recipes/settings.ts'
import { openTokenizerFolder } from '../../../trainer/tokenizer/folder.ts'
import { writeTokenizer } from '../../../trainer/tokenizer/format.ts'
import { byteTokenizer } from '../../../trainer/tokenizer/train.ts'
import { temporaryFolder } from '../../support/temporary.ts'

/** A tokenizer whose configuration has no template, which lies in a file of its own. */
async function saved(): Promise<string> {
  const folder = temporaryFolder()
  await writeTokenizer(folder, byteTokenizer(['<|endoftext|>', '<|user|>', '<|assistant|>']))
  writeFileSync(join(folder, 'tokenizer_config.json'), '{"eos_token": "<|endoftext|>"}')
  const template =
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|endoftext|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
  writeFileSync(join(folder, 'chat_template.jinja'), template)
  return folder
}

test('a chat template in a file of its own is used, and goes into the run', async () => {
  const from = await saved()
  const messages = [{ role: 'user' as const, content: 'Hi' }]
  const { codec } = await openTokenizerFolder(from)
  const expected = codec.encodeWithSpecial('<|user|>Hi<|endoftext|><|assistant|>')
  expect(codec.chat(messages, { continued: false, generate: true })).toEqual(expected)
  const to = temporaryFolder()
  await makeTokenizer(recipeWith('delta', ['tokenizer.kind=folder', `tokenizer.folder=${from}`]), to)
  expect(openText(to).chat(messages, { continued: false, generate: true })).toEqual(expected)
})

test('what is missing is named, with what it is for', async () => {
  const folder = await saved()
  rmSync(join(folder, 'tokenizer_config.json'))
  await expect(openTokenizerFolder(folder)).rejects.toThrow(
    `${folder}: expected tokenizer_config.json beside tokenizer.json: it names the token that ends a document (eos_token)`,
  )
  rmSync(join(folder, 'tokenizer.json'))
  await expect(openTokenizerFolder(folder)).rejects.toThrow(`${folder}: expected tokenizer.json, found none`)
  await expect(openTokenizerFolder(join(folder, 'nope'))).rejects.toThrow(
    'expected a folder with a tokenizer, found nothing',
  )
  const recipe = recipeWith('delta', ['tokenizer.kind=folder'])
  await expect(makeTokenizer(recipe, temporaryFolder())).rejects.toThrow(
    'tokenizer.folder: expected a folder for tokenizer.kind=folder, got none',
  )
})
