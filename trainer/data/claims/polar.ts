/** What a user does, is or likes, or does not: the reply says the same, or its opposite. */
import type { Random } from '../../random.ts'
import { drawValue, type Kind, type Part } from '../notes/values.ts'
import type { Claim } from './claim.ts'
import { led, toUser } from './replies.ts'

const parts = (seen: string, unseen: string): Readonly<Record<Part, readonly string[]>> => ({
  train: seen.split('|'),
  heldout: unseen.split('|'),
})

/** Wordings of one thing, as it holds and as it does not. `{x}` is what it is about. */
interface Polar {
  readonly yes: readonly string[]
  readonly no: readonly string[]
  readonly asks: readonly string[]
  /** Of the reply; without, those of the user, turned. */
  readonly saysYes?: readonly string[]
  readonly saysNo?: readonly string[]
}

const likes: Readonly<Record<Part, Polar>> = {
  train: {
    yes: "I love {x}|I like {x}|I really enjoy {x}|I'm a big fan of {x}|{x} is my favorite thing|I can't get enough of {x}|I am fond of {x}|{x} is great|{x} makes me happy|I am crazy about {x}".split(
      '|',
    ),
    no: "I hate {x}|I don't like {x}|I can't stand {x}|I do not care for {x}|{x} is awful|I dislike {x}|I never liked {x}|I avoid {x}|{x} makes me sick|{x} is not for me|I try to stay away from {x}".split(
      '|',
    ),
    asks: 'Do I like {x}?|How do I feel about {x}?|Am I a fan of {x}?|What do I think of {x}?|do i enjoy {x}|Would I like {x}?'.split(
      '|',
    ),
    saysYes:
      "You love {x}.|You like {x}.|You enjoy {x}.|You are fond of {x}.|You're a fan of {x}.|Yes, you like {x}.".split(
        '|',
      ),
    saysNo:
      "You hate {x}.|You don't like {x}.|You can't stand {x}.|You do not like {x}.|You dislike {x}.|No, you don't like {x}.|You should stay away from {x}.".split(
        '|',
      ),
  },
  heldout: {
    yes: ['I adore {x}', 'nothing beats {x}', "I'm really into {x}"],
    no: ['{x} is disgusting to me', 'I detest {x}', 'I am not into {x}'],
    asks: ['Should you offer me {x}?', 'Is {x} something for me?'],
    saysYes: ['You are really into {x}.', 'You adore {x}.'],
    saysNo: ['You detest {x}.', 'You are not into {x}.'],
  },
}
const LIKED: readonly Kind[] = ['food', 'hobby', 'animal', 'title', 'language', 'instrument']

const doing = parts(
  'smoke|eat meat|drive a car|own a car|have a dog|have a cat|drink alcohol|drink coffee|speak French|play tennis|work on Fridays|live alone|wear glasses|use public transport|watch TV|take sugar in my tea|have children|have siblings|cook at home|travel a lot|go to church|sleep well|work from home|have a garden|pay rent|own the house|go running|read the news|believe in ghosts|have a beard|dye my hair|take pills|need a visa|have a sister|have a brother|play the piano|get up early|ride a bike to work|go to the gym|have a key to the office|eat breakfast|trust my doctor|like my job|know how to swim',
  'eat fish|have a driving licence|ride horses|own a boat|wear a watch|sing in a choir|grow tomatoes|have a tattoo',
)
const doesNot = parts(
  "I don't {x}|I do not {x}|I never {x}|actually I don't {x}|I no longer {x}|no, I don't {x}|I would never {x}",
  "it's been years, I don't {x} any more|I really do not {x}",
)
const being = parts(
  'a vegetarian|vegan|married|left-handed|retired|pregnant|afraid of flying|a morning person|a student|allergic to nuts|allergic to cats|tall|insured|a member of the club|good at maths|from Spain|an only child|a twin|colour-blind|religious|self-employed|a night owl|in a union|over forty',
  'a smoker|a grandparent|lactose intolerant|a homeowner|deaf on one ear',
)
const opposites: readonly (readonly [string, string])[] = [
  ['married', 'single'],
  ['left-handed', 'right-handed'],
  ['retired', 'still working'],
  ['tall', 'short'],
  ['a morning person', 'a night owl'],
  ['self-employed', 'employed by a company'],
  ['a vegetarian', 'a meat eater'],
  ['an only child', 'one of four children'],
]

function drawPolar(random: Random, part: Part): { readonly polar: Polar; readonly x: string; readonly other: string } {
  const kind = random.uniform()
  if (kind < 0.4) {
    const liked = random.pick(LIKED)
    return { polar: likes[part], x: drawValue(random, liked, part), other: drawValue(random, liked, part) }
  }
  if (kind < 0.7) {
    const polar = {
      yes: ['I {x}', 'yes, I {x}', 'I still {x}', 'I do {x}'],
      no: doesNot[part],
      asks: ['Do I {x}?', 'do I {x}', 'Do I {x} or not?'],
    }
    return { polar, x: random.pick(doing[part]), other: random.pick(doing[part]) }
  }
  if (kind < 0.8) {
    const [x, opposite] = random.shuffle([...random.pick(opposites)]) as [string, string]
    const polar = {
      yes: ["I'm {x}", 'I am {x}'],
      no: [`I am ${opposite}`, `I'm ${opposite}`],
      asks: ['Am I {x}?', `Am I {x} or ${opposite}?`],
    }
    return { polar, x, other: x }
  }
  const polar = {
    yes: ["I'm {x}", 'I am {x}', 'yes, I am {x}'],
    no: ["I'm not {x}", 'I am not {x}', 'I was never {x}', 'I am no longer {x}'],
    asks: ['Am I {x}?', 'am I {x}', 'Would you say I am {x}?'],
  }
  return { polar, x: random.pick(being[part]), other: random.pick(being[part]) }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** A claim about what holds or does not. */
export function polarClaim(random: Random, part: Part): Claim {
  const { polar, x, other } = drawPolar(random, part)
  const put = (stems: readonly string[], about = x): string => random.pick(stems).replaceAll('{x}', about)
  const holds = random.chance(0.5)
  const says = random.chance(0.5)
  const evidence = `${capital(put(holds ? polar.yes : polar.no))}.`
  const question = put(polar.asks)
  if (random.chance(0.12))
    return { kind: 'yes or no', evidence, question, sentence: shortly(random, says), label: sameness(holds, says) }
  const reply = (about: string): string => {
    const own = says ? polar.saysYes : polar.saysNo
    return own ? put(own, about) : `${toUser(put(says ? polar.yes : polar.no, about))}.`
  }
  if (other !== x && random.chance(0.15))
    return {
      kind: 'never told',
      evidence,
      question: put(polar.asks, other),
      sentence: reply(other),
      label: 'unchecked',
    }
  return {
    kind: 'negation',
    evidence,
    question,
    sentence: led(random, reply(x), part, 0.2),
    label: sameness(holds, says),
  }
}

const sameness = (holds: boolean, says: boolean) => (holds === says ? 'supported' : 'contradicted')

function shortly(random: Random, says: boolean): string {
  return says
    ? random.pick(['Yes.', 'Yes, you do.', 'Yes, you are.', "Yes, that's right.", 'You do.'])
    : random.pick(['No.', "No, you don't.", 'No, you are not.', "No, you're not.", 'Not at all.'])
}
