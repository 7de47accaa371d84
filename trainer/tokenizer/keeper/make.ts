/** Makes the tokenizer of the keeper model: `npx tsx trainer/tokenizer/keeper/make.ts` writes it beside this file. */
import { chatTurns } from '../../data/keeper/document.ts'
import { Random } from '../../random.ts'
import { chatTokens, writeTokenizer, type TokenizerFiles } from '../format.ts'
import { trainBpe } from '../train.ts'

/** Tokens of the keeper model: names in syllables, digits one by one, its common words whole. */
export const keeperVocabulary = 1024

/** The keeper's tokenizer, learned from the messages of `chats` generated chats; the same for the same numbers. */
export function makeKeeperTokenizer(seed = 1, chats = 600): Promise<TokenizerFiles> {
  const texts = [messages(new Random(seed), chats).join('\n')]
  return trainBpe({ texts, vocab: keeperVocabulary, special: chatTokens })
}

/** A hundred turns of each chat, as many facts as small talk, so that both get their words. */
function messages(random: Random, chats: number): string[] {
  const lines: string[] = []
  for (let chat = 0; chat < chats; chat++) {
    let position = 0
    for (const turn of chatTurns(random, { facts: [16, 32], gap: [50, 1000] }, 10_000, () => position)) {
      lines.push(turn.user, turn.reply)
      position += 25
      if (position >= 2500) break
    }
  }
  return lines
}

if (import.meta.filename === process.argv[1]) await writeTokenizer(import.meta.dirname, await makeKeeperTokenizer())
