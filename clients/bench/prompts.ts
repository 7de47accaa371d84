/** Prompts of a wanted length, which no cache has seen. */
import { streamReply, type Address } from './stream.ts'

const WORDS = (
  'the river runs past old mill and small boats wait near stone bridge while children carry bread from market to house ' +
  'where their grandmother tells long stories about winter snow green forest road that leads over hill into town with ' +
  'seven towers every evening someone lights lamps along wall then music begins people dance until morning bell rings'
).split(' ')

/** Words of a text whose tokens are counted, to know how many words make so many tokens. */
const SAMPLE_WORDS = 200

/** `words` words in an order that `seed` determines; texts of two seeds differ from the first words on. */
export function randomText(words: number, seed: number): string {
  const random = mulberry32(seed)
  return Array.from({ length: words }, () => WORDS[Math.floor(random() * WORDS.length)]).join(' ')
}

/** How many of these words make one token, by the server's own count. */
export async function wordsPerToken(address: Address, model: string): Promise<number> {
  const prompt = randomText(SAMPLE_WORDS, 0)
  const body = { model, prompt, max_tokens: 1, temperature: 0, stream_options: { include_usage: true } }
  const { tokens } = await streamReply(address, '/v1/completions', body)
  if (!tokens || tokens.prompt === 0)
    throw new Error(
      `${address.url}: expected the usage of a completion in its stream, got none; tokens are counted by it`,
    )
  return SAMPLE_WORDS / tokens.prompt
}

/** The generator mulberry32: numbers from 0 to 1. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
