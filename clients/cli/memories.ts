/** The command `mneme memories`: what a running server keeps across conversations, for the tenant of the key. */
import { Command } from 'commander'
import type { MemoryObject } from '../typescript/index.ts'
import { addRemote, clientOf, print, time, type Where } from './remote.ts'

interface Place {
  readonly namespace?: string
  readonly user?: string
}

/** The command `mneme memories`. */
export function memoriesCommand(): Command {
  const command = new Command('memories').description(
    'read and change what a running server keeps across conversations',
  )
  const add = (usage: string, about: string): Command => addRemote(command, usage, about)
  const placed = (made: Command): Command =>
    made.option('--namespace <name>', 'only this namespace').option('--user <id>', 'only this user')

  placed(add('add <text>', 'keep a text')).action(async (text: string, options: Where & Place) => {
    const memory = await clientOf(options).memories.add({ text, ...placeOf(options) })
    print(options, memory, `${memory.event === 'added' ? 'added' : 'known already'}: ${line(memory)}`)
  })
  placed(add('search <query>', 'find texts by words and by meaning'))
    .option('--limit <number>', 'how many at most (default: 10)', Number)
    .action(async (query: string, options: Where & Place & { readonly limit?: number }) => {
      const { limit } = options
      const search = { query, ...placeOf(options), ...(limit === undefined ? {} : { limit }) }
      const found = await clientOf(options).memories.search(search)
      print(options, found, found.map((memory) => `${memory.score.toFixed(4)}  ${line(memory)}`).join('\n'))
    })
  placed(add('list', 'list texts, the newest first')).action(async (options: Where & Place) => {
    const all: MemoryObject[] = []
    for (let more = true; more;) {
      const after = all.at(-1)?.id
      const page = { limit: 100, ...placeOf(options), ...(after === undefined ? {} : { after }) }
      const { data, has_more: hasMore } = await clientOf(options).memories.list(page)
      all.push(...data)
      more = hasMore
    }
    print(options, all, all.map(line).join('\n'))
  })
  add('history <id>', 'what a text said, and when').action(async (id: string, options: Where) => {
    const events = await clientOf(options).memories.history(id)
    const lines = events.map(({ event, text, created_at: at }) => `${time(at)}  ${event}  ${text}`)
    print(options, events, lines.join('\n'))
  })
  add('namespaces', 'the namespaces that have texts, and how many').action(async (options: Where) => {
    const all = await clientOf(options).memories.namespaces()
    print(options, all, all.map(({ namespace, memories }) => `${memories}  ${namespace}`).join('\n'))
  })
  add('update <id> <text>', 'let it say something else; the history keeps what it said').action(
    async (id: string, text: string, options: Where) => {
      const memory = await clientOf(options).memories.update(id, { text })
      print(options, memory, line(memory))
    },
  )
  add('delete <id>', 'delete a text and its history').action(async (id: string, options: Where) => {
    await clientOf(options).memories.delete(id)
    print(options, { id, deleted: true }, `deleted: ${id}`)
  })
  placed(add('clear', 'delete all texts of a namespace or a user')).action(async (options: Where & Place) => {
    const deleted = await clientOf(options).memories.deleteAll(placeOf(options))
    print(options, { deleted }, `deleted: ${deleted}`)
  })
  return command
}

const placeOf = ({ namespace, user }: Place): { namespace?: string; user_id?: string } => ({
  ...(namespace === undefined ? {} : { namespace }),
  ...(user === undefined ? {} : { user_id: user }),
})

/** A memory in one line: id, place where it is not the usual one, text. */
function line({ id, namespace, user_id: user, text }: MemoryObject): string {
  const place = [namespace === 'default' ? '' : namespace, user ?? ''].filter((one) => one !== '').join('/')
  return `${id}  ${place === '' ? '' : `[${place}] `}${text.replaceAll(/\s+/g, ' ')}`
}
