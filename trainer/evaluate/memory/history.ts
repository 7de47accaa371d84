/** A user's history at a server: conversations that tell, and small talk between them. */
import { drawValue, type Part } from '../../data/notes/values.ts'
import { openTopic } from '../../data/notes/topics.ts'
import type { Topic } from '../../data/notes/topic.ts'
import { tell } from '../../data/notes/stems.ts'
import { unrelated } from '../../data/notes/irrelevant.ts'
import { smallTalk } from '../../data/keeper/filler.ts'
import type { Random } from '../../random.ts'
import { ask, type Asked, type MnemeFields } from '../ask.ts'
import type { ServerClient } from '../server-client.ts'

/** Tokens of a reply that nobody reads. */
const FILLER_TOKENS = 12
/** Share of the small talk that tells something, of topics that are never asked about. */
const DISTRACTORS = 0.2

export interface HistoryOptions {
  readonly user: string
  /** Turns after which a new conversation begins; Infinity: never. */
  readonly turns: number
  readonly part: Part
}

/** Turns of one user, kept by the server. */
export class History {
  readonly #client: ServerClient
  readonly #options: HistoryOptions
  #previous: string | undefined
  #turns = 0

  constructor(client: ServerClient, options: HistoryOptions) {
    this.#client = client
    this.#options = options
  }

  /** The last response of the conversation that goes on. */
  get last(): string | undefined {
    return this.#previous
  }

  get turns(): number {
    return this.#turns
  }

  /** Says something that is kept. */
  async say(message: string): Promise<Asked> {
    const { user, turns } = this.#options
    if (this.#turns % turns === 0) this.#previous = undefined
    const mneme: MnemeFields = { memory: { mode: 'on', user_id: user } }
    const reply = await ask(this.#client, message, {
      previous: this.#previous,
      store: true,
      most: FILLER_TOKENS,
      mneme,
    })
    this.#previous = reply.id
    this.#turns++
    return reply
  }

  /** Small talk, until there have been so many turns. */
  async goOn(random: Random, until: number, progress: (turns: number) => void): Promise<void> {
    while (this.#turns < until) {
      await this.say(fillerOf(random, this.#options.part))
      progress(this.#turns)
    }
  }
}

/** A turn of other talk. */
export function fillerOf(random: Random, part: Part): string {
  if (random.chance(DISTRACTORS)) {
    const topic = distractor(random, part)
    return tell(random, topic, drawValue(random, topic.kind, part), part)
  }
  return random.chance(0.5) ? smallTalk(random).user : unrelated(random)
}

/** A topic that is never asked about: my new door color is my door color. */
function distractor(random: Random, part: Part): Topic {
  for (;;) {
    const topic = openTopic(random, part)
    if (!topic.noun.startsWith('new ')) return topic
  }
}
