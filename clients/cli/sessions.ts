/** The command `mneme sessions`: the conversations that a running server has stored, for the tenant of the key. */
import { Command } from 'commander'
import {
  MnemeError,
  type Client,
  type ConversationObject,
  type MessageItem,
  type ResponseObject,
} from '../typescript/index.ts'
import { addRemote, clientOf, print, time, type Where } from './remote.ts'

/** A turn as it is shown. */
interface Turn {
  readonly response: ResponseObject
  readonly input: readonly MessageItem[]
}

const DEFAULT_TURNS = 20

/** The command `mneme sessions`. */
export function sessionsCommand(): Command {
  const command = new Command('sessions').description(
    'list, read and delete the conversations that a running server has stored',
  )
  addRemote(command, 'list', 'list conversations, the one with the latest turn first').action(
    async (options: Where) => {
      const all: ConversationObject[] = []
      for (let more = true; more;) {
        const after = all.at(-1)?.id
        const page = await clientOf(options).conversations.list({
          limit: 100,
          ...(after === undefined ? {} : { after }),
        })
        all.push(...page.data)
        more = page.has_more
      }
      print(options, all, all.map(line).join('\n'))
    },
  )
  addRemote(command, 'show <id>', 'the last turns of a conversation, or those that lead to a response')
    .option('--turns <number>', `how many at most (default: ${DEFAULT_TURNS})`, Number)
    .action(async (id: string, options: Where & { readonly turns?: number }) => {
      const client = clientOf(options)
      const last = await lastResponse(client, id)
      const turns = await turnsTo(client, last, options.turns ?? DEFAULT_TURNS)
      print(options, turns, turns.map(shown).join('\n\n'))
    })
  addRemote(command, 'delete <id>', 'delete a conversation with all its branches, and what was taken from it').action(
    async (id: string, options: Where) => {
      await clientOf(options).conversations.delete(id)
      print(options, { id, deleted: true }, `deleted: ${id}`)
    },
  )
  return command
}

/** The last response of a conversation, null where it has no turns; of what is none, the response of that id. */
async function lastResponse(client: Client, id: string): Promise<string | null> {
  try {
    return (await client.conversations.get(id)).last_response_id
  } catch (error) {
    if (error instanceof MnemeError && error.status === 404) return id
    throw error
  }
}

/** The last `limit` turns of the branch that ends with a response, in order. */
async function turnsTo(client: Client, last: string | null, limit: number): Promise<Turn[]> {
  const turns: Turn[] = []
  for (let id: string | null = last; id !== null && turns.length < limit;) {
    const [response, input]: [ResponseObject, readonly MessageItem[]] = await Promise.all([
      client.responses.get(id),
      client.responses.inputItems(id),
    ])
    turns.unshift({ response, input })
    id = response.previous_response_id ?? response.mneme.previous_response_id ?? null
  }
  return turns
}

/** A conversation in one line. */
function line({ id, updated_at: at, responses, tokens, model }: ConversationObject): string {
  return `${id}  ${time(at)}  ${responses} ${responses === 1 ? 'turn' : 'turns'}  ${tokens} tokens  ${model}`
}

function shown({ response, input }: Turn): string {
  const said = [...input, ...response.output].flatMap((item) =>
    'role' in item ? [`${item.role}: ${textOf(item)}`] : [`(${(item as { type: string }).type})`],
  )
  return [`${response.id}  ${time(response.created_at)}`, ...said].join('\n')
}

const textOf = ({ content }: Pick<MessageItem, 'content'>): string =>
  typeof content === 'string' ? content : content.map(({ text }) => text).join('')
