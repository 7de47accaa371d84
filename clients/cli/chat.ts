/** The command `mneme chat`: a conversation in the terminal, or through a pipe. */
import { Command } from 'commander'
import { WebSocket } from 'ws'
import { createClient, type Client, type MemoryUsage } from '../typescript/index.ts'
import { Conversation } from './conversation.ts'
import { startLocalServer } from './local-server.ts'
import { createTerminal, type Terminal } from './terminal.ts'

interface ChatOptions {
  readonly url?: string
  readonly apiKey?: string
  readonly model?: string
  readonly data?: string
  readonly previousResponse?: string
}

const HELP = `/fork        keep this point and go on    /fork N    go to point N
/rewind N    take back N turns (1)        /memory    what the server remembers here
/quit        leave (Ctrl-D)               Ctrl-C     cancel a reply; twice: leave
`

/** The command `mneme chat`. */
export function chatCommand(): Command {
  return new Command('chat')
    .description('talk to a model in the terminal; starts a server when no --url is given')
    .option('--url <url>', 'server to talk to (default: MNEME_URL, else one that is started)', process.env['MNEME_URL'])
    .option('--api-key <key>', 'key of that server (default: MNEME_API_KEY)', process.env['MNEME_API_KEY'])
    .option('--model <name>', "model to talk to (default: the server's first)")
    .option('--data <folder>', 'folder of the server that is started (default: ./data)')
    .option('--previous-response <id>', 'continue from this response')
    .action(chat)
}

async function chat({ url, apiKey, model, data, previousResponse }: ChatOptions): Promise<void> {
  const server = url === undefined ? await startLocalServer(data) : null
  const client = createClient({ url: server?.url ?? url ?? '', apiKey, WebSocket })
  const conversation = new Conversation({ client, model, from: previousResponse })
  const terminal = createTerminal()
  try {
    if (previousResponse !== undefined) await client.responses.get(previousResponse)
    terminal.note('/help lists the commands', 'terminal')
    for await (const line of terminal.lines()) {
      if (line === '/quit') break
      if (!line.startsWith('/')) await reply(conversation, terminal, line)
      else await command(conversation, terminal, client, line)
    }
    if (conversation.at !== null) terminal.note(`continue with --previous-response ${conversation.at}`)
  } finally {
    terminal.close()
    conversation.close()
    await server?.stop()
  }
}

/** One turn. On a terminal an error is shown and the conversation goes on; through a pipe it ends there. */
async function reply(conversation: Conversation, terminal: Terminal, text: string): Promise<void> {
  const cancel = new AbortController()
  const release = terminal.onInterrupt(() => cancel.abort())
  try {
    for await (const piece of conversation.say(text, cancel.signal)) terminal.write(piece)
    terminal.write('\n')
    const usage = conversation.last?.usage
    if (usage) {
      const { tokens_computed, tokens_saved, state_bytes } = usage.mneme
      const about = rememberedIn(usage.mneme)
      terminal.note(`${tokens_computed} tokens computed, ${tokens_saved} saved, memory ${bytes(state_bytes)}${about}`)
    }
  } catch (error) {
    if (cancel.signal.aborted) terminal.note('\ncancelled: this turn has not happened')
    else if (terminal.interactive) terminal.note(error instanceof Error ? error.message : String(error))
    else throw error
  } finally {
    release()
  }
}

async function command(conversation: Conversation, terminal: Terminal, client: Client, line: string): Promise<void> {
  const [name, given] = line.split(/\s+/)
  const count = given === undefined ? undefined : Number(given)
  if (count !== undefined && !(Number.isInteger(count) && count > 0))
    terminal.note(`${name}: expected a whole number above 0, got ${given}`)
  else if (name === '/help') terminal.note(HELP.trimEnd())
  else if (name === '/memory') terminal.note(await memory(conversation, client))
  else if (name === '/rewind') {
    const gone = await conversation.rewind(count ?? 1)
    terminal.note(`${gone} ${gone === 1 ? 'turn' : 'turns'} back: ${conversation.at ?? 'at the beginning'}`)
  } else if (name === '/fork' && count === undefined)
    terminal.note(`point ${conversation.fork()} is ${conversation.at ?? 'the beginning'}; /fork N goes there`)
  else if (name === '/fork' && count !== undefined)
    terminal.note(conversation.goTo(count) ? `at ${conversation.at ?? 'the beginning'}` : `there is no point ${count}`)
  else terminal.note(`unknown command ${name}; /help lists them`)
}

/** What the server keeps of this conversation. */
async function memory({ at, last }: Conversation, client: Client): Promise<string> {
  const { models } = await client.version()
  const usage = at === null ? null : (last ?? (await client.responses.get(at))).usage
  const states = models.map(
    ({ name, architecture, state_bytes }) => `${name} (${architecture}) ${bytes(state_bytes ?? 0)}`,
  )
  return [
    `memory of one conversation, whatever its length: ${states.join(', ')}`,
    usage ? `this one has read and written ${usage.total_tokens} tokens` : 'this one has not begun',
    ...(at === null ? [] : [`its memory is ${at}`]),
  ].join('\n')
}

function bytes(count: number): string {
  return count < 10_240 ? `${count} bytes` : `${(count / 1024).toFixed(0)} KiB`
}

/** What memories across conversations and the critic did in a turn, in words; nothing where they did nothing. */
function rememberedIn({ memory, verification }: MemoryUsage): string {
  const counts: [number, string][] = [
    [memory?.entries.length ?? 0, 'read'],
    [memory?.written.length ?? 0, 'written'],
    [memory?.ended.length ?? 0, 'ended'],
  ]
  const done = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)
  const notes = done.length > 0 ? `; notes: ${done.join(', ')}` : ''
  return verification?.action === 'replaced' ? `${notes}; the reply was replaced by what you told` : notes
}
