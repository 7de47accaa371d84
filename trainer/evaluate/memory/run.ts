/** Users tell things, talk about others, and ask: at distances, in the same conversation and in another. */
import type { Part } from '../../data/notes/values.ts'
import { Random } from '../../random.ts'
import type { StatusLine } from '../../status-line.ts'
import { ask, type Asked, type MnemeFields } from '../ask.ts'
import type { ServerClient } from '../server-client.ts'
import { drawCases, type Kind, type MemoryCase } from './case.ts'
import { History } from './history.ts'
import { judge, type Judged } from './judge.ts'

/**
 * Where a question is asked: `rolling`: in the conversation that told it, without memories; `all`: in the same one, with them.
 * In another one `memory`: with memories; `episodic`: with turns of other conversations and no memories; `both`; `none`.
 */
export const conditions = ['rolling', 'none', 'episodic', 'memory', 'both', 'all'] as const
export type Condition = (typeof conditions)[number]

/** Whether the question is asked in the conversation that told. */
export const goesOn = (condition: Condition): boolean => condition === 'rolling' || condition === 'all'

export interface MemoryOptions {
  readonly seed: number
  readonly part: Part
  readonly kinds: readonly Kind[]
  readonly conditions: readonly Condition[]
  /** Turns between the last telling and the questions. */
  readonly distances: readonly number[]
  readonly users: number
  /** Cases of each kind and user. */
  readonly cases: number
  /** Turns of a conversation where none has to go on. */
  readonly turns: number
  /** What the critic does with replies; the server's own policy where it is not given. */
  readonly verify?: string
  /** The model that everything is told to: what is remembered is the user's, whichever model is asked. The asked one where it is not given. */
  readonly toldTo?: string
}

/** One question at one distance under one condition. */
export interface MemoryAnswer extends Judged {
  readonly kind: Kind
  readonly condition: Condition
  readonly distance: number
  readonly question: string
  readonly value: string | null
  readonly reply: string
  readonly confidence: number | null
  readonly latency: number
  readonly tokens: number
}

const REPLY_TOKENS = 48
const FOUND = 10

export async function runMemory(
  client: ServerClient,
  options: MemoryOptions,
  status: StatusLine,
): Promise<MemoryAnswer[]> {
  const answers: MemoryAnswer[] = []
  for (let user = 0; user < options.users; user++) {
    const random = new Random(`memory ${options.part} ${options.seed} ${user}`)
    answers.push(...(await runUser(client, options, random, user, status)))
  }
  return answers
}

async function runUser(
  client: ServerClient,
  options: MemoryOptions,
  random: Random,
  number: number,
  status: StatusLine,
): Promise<MemoryAnswer[]> {
  // Users of other runs at the same server are others.
  const user = `eval-${options.seed}-${number}-${Date.now().toString(36)}`
  const cases = drawCases(random, options.kinds, options.cases, options.part)
  const listener = options.toldTo === undefined ? client : client.withModel(options.toldTo)
  const history = new History(listener, {
    user,
    turns: options.conditions.some(goesOn) ? Infinity : options.turns,
    part: options.part,
  })
  await tellAll(client, history, cases)
  const told = history.turns
  const answers: MemoryAnswer[] = []
  for (const distance of options.distances.toSorted((a, b) => a - b)) {
    await history.goOn(random, told + distance, (turns) =>
      status.report(
        `user ${number + 1} of ${options.users}, turn ${turns}`,
        turns - told,
        Math.max(...options.distances),
      ),
    )
    for (const one of cases)
      for (const condition of options.conditions) {
        const answered = await askOne(client, one, { condition, user, last: history.last, verify: options.verify })
        answers.push({ kind: one.kind, condition, distance, question: one.asks, value: one.value, ...answered })
      }
  }
  return answers
}

/** Tells the cases, the first messages of all before the second ones; deletes the memories of those that shall be. */
async function tellAll(client: ServerClient, history: History, cases: readonly MemoryCase[]): Promise<void> {
  const rounds = Math.max(...cases.map(({ tells }) => tells.length))
  for (let round = 0; round < rounds; round++)
    for (const { kind, tells } of cases) {
      const message = tells[round]
      if (message === undefined) continue
      const { written } = await history.say(message)
      if (kind === 'deleted') for (const id of written) await client.call(`/v1/memories/${id}`, undefined, 'DELETE')
    }
}

interface Place {
  readonly condition: Condition
  readonly user: string
  readonly last: string | undefined
  readonly verify: string | undefined
}

type Answered = Omit<MemoryAnswer, 'kind' | 'condition' | 'distance' | 'question' | 'value'>

async function askOne(client: ServerClient, one: MemoryCase, place: Place): Promise<Answered> {
  const { condition, user, last, verify } = place
  const reads = condition !== 'rolling' && condition !== 'none'
  const mneme: MnemeFields = {
    memory: { mode: reads ? 'read' : 'off', user_id: user },
    ...(verify === undefined ? {} : { verify }),
    ...(condition === 'episodic' ? { gates: { semantic: false, episodic: true } } : {}),
    ...(condition === 'both' ? { gates: { episodic: true } } : {}),
  }
  const reply: Asked = await ask(client, one.asks, {
    previous: goesOn(condition) ? last : undefined,
    most: REPLY_TOKENS,
    mneme,
  })
  const found = reads ? await search(client, one.asks, user) : []
  const read = await Promise.all(reply.memories.map((id) => client.call<{ text: string }>(`/v1/memories/${id}`)))
  const texts = read.map(({ text }) => text)
  const { text, confidence, latency, tokens } = reply
  return { ...judge(one, found, texts, reply), reply: text, confidence, latency, tokens }
}

async function search(client: ServerClient, query: string, user: string): Promise<string[]> {
  const found = await client.call<{ data: readonly { text: string }[] }>('/v1/memories/search', {
    query,
    user_id: user,
    limit: FOUND,
  })
  return found.data.map(({ text }) => text)
}
