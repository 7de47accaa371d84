/** `mneme tokenizer` makes a tokenizer, `mneme tokenize` writes token shards with one. */
import { Command, Option } from 'commander'
import { createFolder, refuseUsed } from '../../runtime/replace-folder.ts'
import { openText } from '../../runtime/text.ts'
import { path, wholeNumber } from '../commands/parse.ts'
import { namedFields, type RowFlags, withRowOptions } from '../commands/row-options.ts'
import { openCorpus } from '../data/corpus.ts'
import { defaultFields, type Reading, tokensOf } from '../data/document.ts'
import { hubOptions } from '../data/hub/client.ts'
import { isHubName } from '../data/hub/name.ts'
import { hubDocuments } from '../data/hub/rows.ts'
import { LeftOut } from '../data/left-out.ts'
import { createShardWriter, type ShardIndex, type ShardWriter } from '../data/shards.ts'
import type { TokenFile } from '../data/token-file.ts'
import { exitOnSignals } from '../signals.ts'
import { createStatusLine, type StatusLine } from '../status-line.ts'
import { openTokenizerFolder } from './folder.ts'
import { chatTokens, TokenizerError, type TokenizerFiles, writeTokenizer } from './format.ts'
import { openTexts } from './texts.ts'
import { byteTokenizer, trainBpe, trainCharacters } from './train.ts'

interface TokenizerFlags extends RowFlags {
  readonly kind: 'bpe' | 'byte' | 'char'
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
  return withRowOptions(new Command('tokenizer'))
    .description('make a tokenizer from text (files and folders as for train --data, hub:OWNER/NAME)')
    .argument('[files...]', 'text to learn from; a byte tokenizer needs none')
    .addOption(new Option('--kind <kind>', 'what its tokens are').choices(['bpe', 'byte', 'char']).default('bpe'))
    .option('--vocab <n>', 'most tokens, special ones included', wholeNumber(1), 4096)
    .option('--special <token...>', 'special tokens', [...chatTokens])
    .requiredOption('--out <dir>', 'a new folder for tokenizer.json and tokenizer_config.json', path)
    .action(async (paths: string[], flags: TokenizerFlags) => {
      exitOnSignals()
      await refuseUsed(flags.out)
      const status = createStatusLine()
      const files = await makeTokenizer(paths, flags, status)
      await createFolder(flags.out, (folder) => writeTokenizer(folder, files))
      status.end()
      const { vocabSize } = openText(flags.out)
      const fewer = flags.kind !== 'byte' && vocabSize < flags.vocab
      const why = fewer
        ? ` of ${flags.vocab}: the text has no more ${flags.kind === 'bpe' ? 'pairs' : 'characters'}`
        : ''
      process.stdout.write(`${flags.out}: ${vocabSize} tokens${why}\n`)
    })
}

/** The command `mneme tokenize FILES --tokenizer DIR --out DIR`. */
export function tokenizeCommand(): Command {
  return withRowOptions(new Command('tokenize'))
    .description('write text as token shards, for training without tokenizing again (every token of a chat will weigh)')
    .argument('<files...>', 'files and folders as for train --data, hub:OWNER/NAME[@REVISION][:CONFIG]')
    .requiredOption('--tokenizer <dir>', 'folder with tokenizer.json and tokenizer_config.json', path)
    .requiredOption('--out <dir>', 'a new folder for the shards and index.json', path)
    .action(async (paths: string[], flags: TokenizeFlags) => {
      exitOnSignals()
      await refuseUsed(flags.out)
      const status = createStatusLine()
      const { tokens, shards } = await writeShards(paths, flags, status)
      status.end()
      process.stdout.write(`${flags.out}: ${tokens} tokens in ${shards.length} shards\n`)
    })
}

async function makeTokenizer(
  paths: readonly string[],
  flags: TokenizerFlags,
  status: StatusLine,
): Promise<TokenizerFiles> {
  const { kind, vocab, special } = flags
  if (kind === 'byte') return byteTokenizer(special)
  if (paths.length === 0)
    throw new TokenizerError(`tokenizer --kind ${kind}: expected text to learn from, got no files`)
  const { texts, notes } = await openTexts(paths, { ...rowsOf(flags), progress: status.report })
  notes.forEach(status.note)
  const progress = (learned: number, room: number): void => status.report('learning tokens', learned, room)
  return (kind === 'bpe' ? trainBpe : trainCharacters)({ texts, vocab, special, progress })
}

async function writeShards(paths: readonly string[], flags: TokenizeFlags, status: StatusLine): Promise<ShardIndex> {
  const { codec, sha256 } = await openTokenizerFolder(flags.tokenizer)
  const { split, reading } = rowsOf(flags)
  const leftOut = new LeftOut()
  const parts: (string | readonly TokenFile[])[] = []
  for (const path of paths) {
    if (isHubName(path)) parts.push(path)
    else {
      const corpus = await openCorpus([path], { codec, reading, leftOut, progress: status.report })
      corpus.notes.forEach(status.note)
      parts.push(corpus.files)
    }
  }
  const index = await createFolder(flags.out, async (folder) => {
    const writer = await createShardWriter(folder, { vocab: codec.vocabSize, tokenizer: sha256 })
    let documents = 0
    for (const part of parts) {
      if (typeof part !== 'string') for (const file of part) await addFile(writer, file, status)
      else
        for await (const document of hubDocuments({
          name: part,
          split,
          reading,
          leftOut,
          hub: hubOptions(process.env),
        })) {
          await writer.add(tokensOf(document, reading.mode, codec).ids, true)
          status.report(`tokenizing ${part}: document ${++documents}`)
        }
    }
    return writer.close()
  })
  const note = leftOut.note()
  if (note) status.note(note)
  return index
}

function rowsOf(flags: RowFlags): { split: string; reading: Reading } {
  return {
    split: flags.split ?? 'train',
    reading: { mode: 'pretrain', fields: { ...defaultFields, ...namedFields(flags) } },
  }
}

async function addFile(writer: ShardWriter, file: TokenFile, status: StatusLine): Promise<void> {
  let begins = true
  for (let from = 0; from < file.size;) {
    status.report(`tokenizing ${file.name}`, from, file.size)
    const piece = await file.read(from, file.size)
    if (piece.ids.length > 0) await writer.add(piece.ids, begins)
    begins = piece.ends
    from = piece.next
  }
}
