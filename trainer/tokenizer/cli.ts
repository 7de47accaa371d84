/** `mneme tokenizer` makes a tokenizer, `mneme tokenize` writes token shards with one. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { openText } from '../../runtime/text.ts'
import { openCorpus } from '../data/corpus.ts'
import { createShardWriter, type ShardIndex } from '../data/shards.ts'
import { chatTokens, TokenizerError, writeTokenizer, type TokenizerFiles } from './format.ts'
import { withPlainText } from './plain-text.ts'
import { byteTokenizer, trainBpe, trainCharacters } from './train.ts'

type Kind = 'bpe' | 'byte' | 'char'

/** The command `mneme tokenizer FILES --out DIR`. */
export function tokenizerCommand(): Command {
  return new Command('tokenizer')
    .description('make a tokenizer from text (.txt, .md, .jsonl, folders)')
    .argument('[files...]', 'text to learn from; a byte tokenizer needs none')
    .addOption(new Option('--kind <kind>', 'what its tokens are').choices(['bpe', 'byte', 'char']).default('bpe'))
    .option('--vocab <n>', 'most tokens, special ones included', wholeNumber, 4096)
    .option('--special <token...>', 'special tokens', [...chatTokens])
    .requiredOption('--out <dir>', 'folder for tokenizer.json and tokenizer_config.json')
    .action(async (paths: string[], options: { kind: Kind; vocab: number; special: string[]; out: string }) => {
      const files = await makeTokenizer(paths, options)
      await writeTokenizer(options.out, files)
      process.stdout.write(`${options.out}: ${openText(options.out).vocabSize} tokens\n`)
    })
}

/** The command `mneme tokenize FILES --tokenizer DIR --out DIR`. */
export function tokenizeCommand(): Command {
  return new Command('tokenize')
    .description('write text as token shards, for training without tokenizing again (every token of a chat will weigh)')
    .argument('<files...>', 'text files, .jsonl files, folders')
    .requiredOption('--tokenizer <dir>', 'folder with tokenizer.json and tokenizer_config.json')
    .requiredOption('--out <dir>', 'folder for the shards and index.json')
    .action(async (paths: string[], options: { tokenizer: string; out: string }) => {
      const { tokens, shards } = await writeShards(paths, options.tokenizer, options.out)
      process.stdout.write(`${options.out}: ${tokens} tokens in ${shards.length} shards\n`)
    })
}

async function makeTokenizer(
  paths: readonly string[],
  { kind, vocab, special }: { kind: Kind; vocab: number; special: readonly string[] },
): Promise<TokenizerFiles> {
  if (kind === 'byte') return byteTokenizer(special)
  if (paths.length === 0)
    throw new TokenizerError(`tokenizer --kind ${kind}: expected text to learn from, got no files`)
  const train = kind === 'bpe' ? trainBpe : trainCharacters
  return withPlainText(paths, (files) => train({ files, vocab, special }))
}

async function writeShards(paths: readonly string[], tokenizer: string, out: string): Promise<ShardIndex> {
  const codec = openText(tokenizer)
  const files = await openCorpus(paths, codec)
  const writer = await createShardWriter(out, codec.vocabSize)
  for (const file of files) {
    let begins = true
    for (let from = 0; from < file.size;) {
      const piece = await file.read(from, file.size)
      if (piece.ids.length > 0) await writer.add(piece.ids, begins)
      begins = piece.ends
      from = piece.next
    }
  }
  return writer.close()
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('Expected a whole number above 0.')
  return Number(text)
}
