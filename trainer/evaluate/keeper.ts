/** Measures recall of told facts, by their number, distance, wording and correction. */
import { attributes, type Attribute } from '../data/keeper/attributes.ts'
import { askTurn, correctTurn, fillerTurn, tellTurn, unknownTurn, type Fact, type Turn } from '../data/keeper/chat.ts'
import type { Wording } from '../data/keeper/phrasing.ts'
import { drawValue, type Split } from '../data/keeper/values.ts'
import { Random } from '../random.ts'
import { Tally, type Condition, type Miss, type Question, type RecallCell } from './keeper-tally.ts'

/** Anything that can hold a conversation. */
export interface Answerer {
  /** Begins a new conversation. */
  reset(): Promise<void>
  /** Feeds a user turn; returns the assistant's greedy reply. */
  say(user: string): Promise<string>
  /** Feeds a user turn with the reply already given: faster than `say` for small talk. */
  hear?(user: string, reply: string): Promise<void>
  /** Returns a copy that continues from here; this one is not changed. */
  fork?(): Promise<Answerer>
}

export interface RecallOptions {
  readonly seed: number
  readonly conditions: readonly Condition[]
  /** Facts told in a conversation. */
  readonly facts: readonly number[]
  /** Turns of small talk between the last fact and the questions, rising. */
  readonly distances: readonly number[]
  /** Conversations for each condition and number of facts. */
  readonly conversations: number
  /** Most questions of a conversation at each distance; all facts when absent. */
  readonly questions?: number
  /** Counts tokens, for the distance in tokens. */
  readonly tokens?: (text: string) => number
  /** Called after each conversation. */
  readonly progress?: (cell: { readonly condition: Condition; readonly facts: number }) => void
}

export interface RecallResult {
  readonly seed: number
  readonly conversations: number
  readonly cells: readonly RecallCell[]
  /** The first wrong answers. */
  readonly misses: readonly Miss[]
}

/** Holds the conversations of the grid and counts the right answers; the same seed gives the same conversations. */
export async function evaluateRecall(answerer: Answerer, options: RecallOptions): Promise<RecallResult> {
  const misses: Miss[] = []
  const cells: RecallCell[] = []
  for (const condition of options.conditions) {
    for (const facts of options.facts) {
      const tallies = options.distances.map((distance) => new Tally(condition, facts, distance, misses))
      for (let index = 0; index < options.conversations; index++) {
        const make = () => new Random(options.seed).fork(`${condition} ${facts} ${index}`)
        if (answerer.fork !== undefined) await converse(answerer, make(), options, tallies)
        else for (const tally of tallies) await converse(answerer, make(), options, [tally])
        options.progress?.({ condition, facts })
      }
      cells.push(...tallies.map((tally) => tally.cell()))
    }
  }
  return { seed: options.seed, conversations: options.conversations, cells, misses }
}

/** One conversation: tells the facts, then asks at each distance; several distances need an answerer that forks. */
async function converse(
  answerer: Answerer,
  random: Random,
  options: RecallOptions,
  tallies: readonly Tally[],
): Promise<void> {
  const [{ condition, facts }] = tallies as readonly [Tally]
  const order = random.shuffle([...attributes])
  const scene = tellScene(random, condition, order.slice(0, facts))
  await answerer.reset()
  for (const turn of scene.turns) await hear(answerer, turn)
  const small = random.fork('small talk')
  const asking = random.fork('questions')
  let distance = 0
  let tokens = 0
  for (const tally of tallies) {
    for (; distance < tally.distance; distance++) {
      const turn = fillerTurn(small)
      tokens += (options.tokens?.(turn.user) ?? 0) + (options.tokens?.(turn.reply) ?? 0)
      await hear(answerer, turn)
    }
    const questions = questionsOf(asking, condition, scene, order.slice(facts)).slice(0, options.questions)
    tally.distanceTokens.push(tokens)
    for (const question of questions) {
      const listener = (await answerer.fork?.()) ?? answerer
      tally.count(question, await listener.say(question.turn.user), scene.current)
    }
  }
}

interface Scene {
  readonly turns: readonly Turn[]
  /** What holds now. */
  readonly current: readonly Fact[]
  /** What held before a correction. */
  readonly before: readonly Fact[]
}

/** What the user tells: each fact in a message of its own, corrections in another order afterwards. */
function tellScene(random: Random, condition: Condition, chosen: readonly Attribute[]): Scene {
  const split: Split = condition === 'train' ? 'train' : 'heldout'
  const wording: Wording = condition === 'unseen' ? 'unseen' : 'seen'
  const draw = (attribute: Attribute): Fact => ({ attribute, value: drawValue(random, attribute.kind, split) })
  const before = chosen.map(draw)
  const turns = before.map((fact) => tellTurn(random, [fact], wording))
  if (condition !== 'corrected') return { turns, current: before, before: [] }
  const current = before.map((old) => {
    for (;;) {
      const fact = draw(old.attribute)
      if (fact.value !== old.value) return fact
    }
  })
  const corrections = random.shuffle(current.map((fact) => correctTurn(random, fact, wording)))
  return { turns: [...turns, ...corrections], current, before }
}

function questionsOf(random: Random, condition: Condition, scene: Scene, untold: readonly Attribute[]): Question[] {
  if (condition === 'untold') {
    return scene.current.map((_, i) => ({ turn: unknownTurn(random, untold[i % untold.length] as Attribute) }))
  }
  const wording: Wording = condition === 'unseen' ? 'unseen' : 'seen'
  const questions = scene.current.map((fact, i): Question => {
    const stale = scene.before[i]?.value
    return { turn: askTurn(random, fact, wording), fact, ...(stale === undefined ? {} : { stale }) }
  })
  return random.shuffle(questions)
}

async function hear(answerer: Answerer, { user, reply }: Turn): Promise<void> {
  if (answerer.hear !== undefined) await answerer.hear(user, reply)
  else await answerer.say(user)
}
