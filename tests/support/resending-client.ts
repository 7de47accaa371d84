/** A chat client that sends its whole history, asks for it to be kept on disk, and starts anew from time to time. */
import type { ServerProcess } from './process.ts'
import type { Json } from './test-server.ts'

interface Message {
  readonly role: string
  readonly content: string
}

/** What it was answered, in order. */
export type Transcript = { readonly messages: readonly Message[]; readonly reply: string }[]

/** Replies of one conversation. */
const CONVERSATION = 12

/** Goes on where the transcript ends, until the server is gone. */
export async function resendUntilGone(server: ServerProcess, transcript: Transcript): Promise<void> {
  for (;;) {
    const messages = nextMessages(transcript)
    const reply = await ask(server, messages).catch(() => null)
    if (reply === null) return
    transcript.push({ messages, reply })
  }
}

/** How many of the replies are others where nothing is cached. */
export async function differentReplies(uncached: ServerProcess, transcript: Transcript): Promise<number> {
  let different = 0
  for (const { messages, reply } of transcript) if ((await ask(uncached, messages)) !== reply) different++
  return different
}

function nextMessages(transcript: Transcript): Message[] {
  const at = transcript.length
  const user = { role: 'user', content: `question ${at}` }
  const last = transcript.at(-1)
  if (last && at % CONVERSATION !== 0) return [...last.messages, { role: 'assistant', content: last.reply }, user]
  return [{ role: 'system', content: `You are number ${at}. ${'You never forget. '.repeat(8)}` }, user]
}

async function ask(server: ServerProcess, messages: readonly Message[]): Promise<string> {
  const body = { model: 'fake', messages, max_tokens: 12, seed: 5, store: true }
  const answer = await server.post('/v1/chat/completions', body)
  return ((await answer.json()) as Json).choices[0].message.content as string
}
