/** `mneme tokenizer` makes a tokenizer, `mneme tokenize` writes token shards with one. */
import { Command, Option } from 'commander'
import { replaceFolder } from '../../runtime/replace-folder.ts'
import { openText } from '../../runtime/text.ts'
import { openCorpus } from '../data/corpus.ts'
import type { CorpusFile } from '../data/corpus-file.ts'
import { defaultFields, tokensOf } from '../data/document.ts'
import { hubOptions } from '../data/hub/client.ts'
import { isHubName } from '../data/hub/name.ts'
import { hubDocuments } from '../data/hub/rows.ts'
import { createShardWriter, shardFolder, type ShardIndex, type ShardWriter } from '../data/shards.ts'
import { chatTokens, TokenizerError, writeTokenizer, type TokenizerFiles } from './format.ts'
import { withPlainText } from './plain-text.ts'
import { wholeNumber } from '../recipes/whole-number.ts'
import { byteTokenizer, trainBpe, trainCharacters } from './train.ts'

type Kind = 'bpe' | 'byte' | 'char'

interface RowFlags {
  readonly split: string
  readonly textField: string
  readonly messagesField: string
}

interface TokenizerFlags extends RowFlags {
  readonly kind: Kind
  readonly vocab: number
  readonly special: readonly string[]
  readonly out: string
}

interface TokenizeFlags extends RowFlags {
  readonly tokenizer: string
  readonly out: string
}

/** The command `mneme tokenizer FILES --out DIR`. */
export function tokenizerCommand(): Command {
  return withRows(new Command('tokenizer'))
    .description('make a tokenizer from text (.txt, .md, .jsonl, folders, hub:OWNER/NAME)')
    .argument('[files...]', 'text to learn from; a byte tokenizer needs none')
    .addOption(new Option('--kind <kind>', 'what its tokens are').choices(['bpe', 'byte', 'char']).default('bpe'))
    .option('--vocab <n>', 'most tokens, special ones included', wholeNumber(1), 4096)
    .option('--special <token...>', 'special tokens', [...chatTokens])
    .requiredOption('--out <dir>', 'folder for tokenizer.json and tokenizer_config.json')
    .action(async (paths: string[], options: TokenizerFlags) => {
      const files = await makeTokenizer(paths, options)
      await writeTokenizer(options.out, files)
      process.stdout.write(`${options.out}: ${openText(options.out).vocabSize} tokens\n`)
    })
}

/** The command `mneme tokenize FILES --tokenizer DIR --out DIR`. */
export function tokenizeCommand(): Command {
  return withRows(new Command('tokenize'))
    .description('write text as token shards, for training without tokenizing again (every token of a chat will weigh)')
    .argument('<files...>', 'text files, .jsonl files, folders, hub:OWNER/NAME[@REVISION][:CONFIG]')
    .requiredOption('--tokenizer <dir>', 'folder with tokenizer.json and tokenizer_config.json')
    .requiredOption('--out <dir>', 'folder for the shards and index.json')
    .action(async (paths: string[], options: TokenizeFlags) => {
      const { tokens, shards } = await writeShards(paths, options)
      process.stdout.write(`${options.out}: ${tokens} tokens in ${shards.length} shards\n`)
    })
}

async function makeTokenizer(paths: readonly string[], flags: TokenizerFlags): Promise<TokenizerFiles> {
  const { kind, vocab, special } = flags
  if (kind === 'byte') return byteTokenizer(special)
  if (paths.length === 0)
    throw new TokenizerError(`tokenizer --kind ${kind}: expected text to learn from, got no files`)
  const train = kind === 'bpe' ? trainBpe : trainCharacters
  return withPlainText(paths, (files) => train({ files, vocab, special }), rowsOf(flags))
}

async function writeShards(paths: readonly string[], flags: TokenizeFlags): Promise<ShardIndex> {
  const codec = openText(flags.tokenizer)
  const { split, reading } = rowsOf(flags)
  const parts: (string | CorpusFile[])[] = []
  for (const path of paths) parts.push(isHubName(path) ? path : await openCorpus([path], codec, reading))
  return replaceFolder(flags.out, shardFolder, async (folder) => {
    const writer = await createShardWriter(folder, codec.vocabSize)
    for (const part of parts) {
      if (typeof part !== 'string') for (const file of part) await addFile(writer, file)
      else
        for await (const document of hubDocuments({ name: part, split, reading, hub: hubOptions(process.env) }))
          await writer.add(tokensOf(document, reading.mode, codec).ids, true)
    }
    return writer.close()
  })
}

/** The options of commands that read rows of a data set. */
function withRows(command: Command): Command {
  return command
    .option('--split <name>', "split of a hub's data set", 'train')
    .option('--text-field <name>', 'where rows of JSONL and parquet have their text', defaultFields.text)
    .option('--messages-field <name>', 'where they have their messages', defaultFields.messages)
}

function rowsOf({ split, textField, messagesField }: RowFlags) {
  const reading = { mode: 'pretrain', fields: { text: textField, messages: messagesField } } as const
  return { split, reading }
}

async function addFile(writer: ShardWriter, file: CorpusFile): Promise<void> {
  let begins = true
  for (let from = 0; from < file.size;) {
    const piece = await file.read(from, file.size)
    if (piece.ids.length > 0) await writer.add(piece.ids, begins)
    begins = piece.ends
    from = piece.next
  }
}
