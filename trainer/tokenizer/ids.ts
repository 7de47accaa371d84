/** A tokenizer for models of tasks, whose tokens are numbers: "17 400 3" is three tokens. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Writes the tokenizer of the ids 0 to `vocabulary` - 1 into a folder. Without chat template and end of reply. */
export async function writeIdTokenizer(folder: string, vocabulary: number): Promise<void> {
  const vocab = Object.fromEntries(Array.from({ length: vocabulary }, (_, id) => [String(id), id]))
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: 'WhitespaceSplit' },
    post_processor: null,
    decoder: { type: 'WordPiece', prefix: '##', cleanup: false },
    model: { type: 'WordPiece', unk_token: '0', continuing_subword_prefix: '##', max_input_chars_per_word: 8, vocab },
  }
  const config = { tokenizer_class: 'PreTrainedTokenizerFast', clean_up_tokenization_spaces: false }
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'tokenizer.json'), `${JSON.stringify(tokenizer)}\n`)
  await writeFile(join(folder, 'tokenizer_config.json'), `${JSON.stringify(config, null, 2)}\n`)
}
