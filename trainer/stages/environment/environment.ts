/**
 * The environment of the controller: users tell a real server things, then ask, and each question is asked once with every
 * combination of gates that can differ.
 */
import { FEATURE_NAMES, GATES, type Gate } from '../../../runtime/controller-features.ts'
import type { Part } from '../../data/notes/values.ts'
import { ask, type Asked, type MnemeFields, type ToldGates } from '../../evaluate/ask.ts'
import { History } from '../../evaluate/memory/history.ts'
import { type ServerClient, ServerError } from '../../evaluate/server-client.ts'
import { Random } from '../../random.ts'
import type { StatusLine } from '../../status-line.ts'
import { type Combination, combinationOf, isOpen } from '../controller/reward.ts'
import { appendOutcomes, differentCombinations, type Outcomes, readOutcomes, type Run } from './outcomes.ts'
import { drawScenario, type Question, type WorldQuestions } from './questions.ts'

export interface EnvironmentOptions {
  readonly seed: number
  /** Users whose wordings and values are those of training, and users of those that were kept aside. */
  readonly users: Readonly<Record<Part, number>>
  /** Turns of other talk between what is told and what is asked. */
  readonly distance: number
  readonly world: Readonly<Record<Part, WorldQuestions>>
  /** The name of the embedder that gives the vectors of questions. */
  readonly embedder: string
  readonly signal?: AbortSignal
}

/** Turns of a conversation of the past. */
const TURNS = 6

/** Asks whatever `file` does not have yet; returns false where the signal came first. */
export async function collectOutcomes(
  client: ServerClient,
  file: string,
  options: EnvironmentOptions,
  status: StatusLine,
): Promise<boolean> {
  const done = new Set((await readOutcomes(file)).map(({ user }) => user))
  const parts: Part[] = (['train', 'heldout'] as const).flatMap((part) => Array<Part>(options.users[part]).fill(part))
  for (const [user, part] of parts.entries()) {
    if (done.has(user)) continue
    if (options.signal?.aborted) return false
    status.report(`outcomes of user ${user + 1} of ${parts.length}`, user, parts.length)
    await appendOutcomes(file, await outcomesOfUser(client, options, user, part))
  }
  return true
}

async function outcomesOfUser(
  client: ServerClient,
  { seed, distance, world, embedder }: EnvironmentOptions,
  number: number,
  part: Part,
): Promise<Outcomes[]> {
  const random = new Random(`stage 3 ${seed} ${number}`)
  // A user who was interrupted begins anew, as somebody else
  const user = `stage3-${seed}-${number}-${Date.now().toString(36)}`
  const { tells, questions } = drawScenario(random, part, world[part])
  const history = new History(client, { user, turns: TURNS, part })
  for (const message of tells) await history.say(message)
  await history.goOn(random, tells.length + distance, () => undefined)
  const found: Outcomes[] = []
  for (const question of questions) {
    const runs = await outcomesOf(client, user, part, question)
    found.push({ user: number, part, ...runs, query: await vectorOf(client, embedder, question.asks) })
  }
  return found
}

type OfQuestion = Omit<Outcomes, 'user' | 'part' | 'query'>

async function outcomesOf(client: ServerClient, user: string, part: Part, question: Question): Promise<OfQuestion> {
  const { kind, before, asks } = question
  const conversation = new History(client, { user, turns: Infinity, part })
  for (const message of before) await conversation.say(message)
  const memory = { mode: 'read', user_id: user } as const
  const reply = (gates?: MnemeFields['gates']): Promise<Asked> =>
    ask(client, asks, {
      previous: conversation.last,
      most: question.most,
      mneme: { memory, ...(gates === undefined ? {} : { gates }) },
    })
  const byThreshold = await reply()
  // Past turns are searched for a controller, or where the request says something of them
  const first = await reply({ episodic: true })
  if (!first.gates || !byThreshold.gates)
    throw new ServerError('stage 3: expected a server that tells its gates, got a reply without usage.mneme.gates')
  const free = combinationOf(GATES.map((gate) => decisionOf(first.gates!, gate).by !== 'unavailable'))
  const runs: [Combination, Run][] = []
  for (const combination of differentCombinations(free)) {
    const forced = GATES.filter((gate) => isOpen(free, gate)).map((gate) => [gate, isOpen(combination, gate)] as const)
    runs.push([combination, runOf(question, await reply(Object.fromEntries(forced)))])
  }
  return {
    kind,
    question: asks,
    features: FEATURE_NAMES.map((name) => first.gates!.features[name] ?? 0),
    free,
    byThreshold: {
      ...runOf(question, byThreshold),
      combination: combinationOf(GATES.map((gate) => decisionOf(byThreshold.gates!, gate).open)),
    },
    runs: Object.fromEntries(runs),
  }
}

const decisionOf = (gates: ToldGates, gate: Gate) => gates[gate] as { readonly open: boolean; readonly by: string }

function runOf({ isRight }: Question, { text, tokens, generated, latency }: Asked): Run {
  return { isRight: isRight(text), tokens, generated, latency: Number(latency.toFixed(1)), modelled: null, reply: text }
}

/** Rounded to five digits after the point: the file is to be small. */
async function vectorOf(client: ServerClient, embedder: string, input: string): Promise<number[]> {
  const { data } = await client.call<{ data: readonly { embedding: number[] }[] }>('/v1/embeddings', {
    model: embedder,
    input,
  })
  return data[0]!.embedding.map((x) => Number(x.toFixed(5)))
}

/** The embedder that a server compares meanings with. */
export interface ServedEmbedder {
  readonly name: string
  /** The id of its bundle. */
  readonly bundle: string
  readonly width: number
}

/** Throws ServerError where it has none. */
export async function embedderOf(client: ServerClient): Promise<ServedEmbedder> {
  const { embedders } = await client.call<{
    embedders: readonly { name: string; bundle: string; embedding_width: number }[]
  }>('/version')
  const [found] = embedders
  if (!found) throw new ServerError('stage 3: expected a server with an embedder, got one without')
  return { name: found.name, bundle: found.bundle, width: found.embedding_width }
}
