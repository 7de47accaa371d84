/** Groups of texts for stage 2: generated, wordings and values of training apart from those that are held out. */
import { smallTalk } from '../../data/keeper/filler.ts'
import { closeTo, drawTopic } from '../../data/notes/draw-fact.ts'
import { unrelated } from '../../data/notes/irrelevant.ts'
import { ask, tell } from '../../data/notes/stems.ts'
import { meaningOf, type Topic } from '../../data/notes/topic.ts'
import { drawValue, type Part } from '../../data/notes/values.ts'
import type { Feed } from '../../objective.ts'
import type { Random } from '../../random.ts'
import { ROLES } from './objective.ts'

const TRIES = 20

export interface BatchOptions {
  readonly groups: number
  readonly sequenceLength: number
  readonly part: Part
  readonly encode: (text: string) => ArrayLike<number>
}

/** A batch of groups about different things. Texts that are longer than a row are cut. */
export function drawGroups(random: Random, { groups, sequenceLength, part, encode }: BatchOptions): Feed {
  const ids = new Int32Array(ROLES.length * groups * sequenceLength)
  const mask = new Float32Array(ids.length)
  const taken = new Set<string>()
  for (let group = 0; group < groups; group++)
    for (const [role, text] of drawGroup(random, part, taken).entries()) {
      const tokens = Array.from(encode(text)).slice(0, sequenceLength)
      const at = (role * groups + group) * sequenceLength
      ids.set(tokens, at)
      mask.fill(1, at, at + tokens.length)
    }
  return { ids, mask }
}

/** The texts of a group, in the order of ROLES. */
function drawGroup(random: Random, part: Part, taken: Set<string>): string[] {
  const topic = freeTopic(random, part, taken)
  const value = drawValue(random, topic.kind, part)
  const telling = (): string => tell(random, topic, value, part)
  const close = closeTo(random, topic, part)
  const episode = random.shuffle([telling(), random.chance(0.5) ? smallTalk(random).user : unrelated(random)])
  return [
    ask(random, topic, part),
    episode.join('\n'),
    telling(),
    telling(),
    tell(random, close, drawValue(random, close.kind, part), part),
  ]
}

function freeTopic(random: Random, part: Part, taken: Set<string>): Topic {
  let topic = drawTopic(random, part)
  for (let tries = 1; taken.has(meaningOf(topic)) && tries < TRIES; tries++) topic = drawTopic(random, part)
  taken.add(meaningOf(topic))
  return topic
}

/** How often the nearest key of a query is its own: both of rows of `width` numbers of length 1. */
export function recallAtOne(queries: Float32Array, keys: Float32Array, width: number): number {
  const count = queries.length / width
  let right = 0
  for (let i = 0; i < count; i++) {
    let [best, at] = [-Infinity, -1]
    for (let j = 0; j < count; j++) {
      let score = 0
      for (let k = 0; k < width; k++) score += queries[i * width + k]! * keys[j * width + k]!
      if (score > best) [best, at] = [score, j]
    }
    if (at === i) right++
  }
  return right / count
}
