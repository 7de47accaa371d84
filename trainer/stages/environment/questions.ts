/** What the users of the environment tell and ask: generated, each question with a judge of its reply. */
import { drawEvent } from '../../data/notes/events.ts'
import { drawValue, type Kind, type Part } from '../../data/notes/values.ts'
import { wordF1 } from '../../evaluate/outcome.ts'
import { drawCases, type MemoryCase } from '../../evaluate/memory/case.ts'
import { judge } from '../../evaluate/memory/judge.ts'
import { readRows, textOf } from '../../evaluate/question-file.ts'
import { lastNumber } from '../../evaluate/suites/gsm8k.ts'
import type { Random } from '../../random.ts'

/**
 * `told`, `corrected` and `untold` facts, and `event`s, in another conversation; `request`: something the user asked for
 * there, of which no fact is taken; `within`: told in the same conversation; `gsm8k` and `truthfulqa`, which no memory helps.
 */
export const questionKinds = [
  'told',
  'corrected',
  'untold',
  'event',
  'request',
  'within',
  'gsm8k',
  'truthfulqa',
] as const
export type QuestionKind = (typeof questionKinds)[number]

export interface Question {
  readonly kind: QuestionKind
  /** What the user says before it in the same conversation. */
  readonly before: readonly string[]
  readonly asks: string
  /** Tokens of a reply at most. */
  readonly most: number
  readonly isRight: (reply: string) => boolean
}

/** One user's life: what is said in conversations that are over, and what is asked then. */
export interface Scenario {
  readonly tells: readonly string[]
  readonly questions: readonly Question[]
}

/** Questions of the world, for users of each part. */
export interface WorldQuestions {
  readonly gsm8k: readonly Question[]
  readonly truthfulqa: readonly Question[]
}

/** Of each user; `world` are of each file. */
const COUNTS = { told: 3, corrected: 2, untold: 3, event: 2, request: 3, within: 2, world: 1 } as const
const REPLY_TOKENS = 48
const GSM8K_TOKENS = 96

/** How many questions a user has, with so many files of questions about the world. */
export const questionsOfUser = (files: number): number =>
  COUNTS.told + COUNTS.corrected + COUNTS.untold + COUNTS.event + COUNTS.request + COUNTS.within + files * COUNTS.world

export function drawScenario(random: Random, part: Part, world: WorldQuestions): Scenario {
  const cases = (['told', 'corrected', 'untold'] as const).flatMap((kind) =>
    drawCases(random, [kind], COUNTS[kind], part),
  )
  const distinct = [...new Map(cases.map((one) => [one.asks, one])).values()]
  const events = times(COUNTS.event, () => drawEvent(random, true, part))
  const requests = times(COUNTS.request, () => drawRequest(random, part))
  const within = drawCases(random, ['told'], COUNTS.within, part)
  const tells = [
    ...random.shuffle([
      ...distinct.map(({ tells }) => tells[0]),
      ...events.map(({ told }) => told),
      ...requests.map(([said]) => said),
    ]),
    ...distinct.map(({ tells }) => tells[1]),
  ].filter((told) => told !== undefined)
  const facts = distinct.map((one) => factQuestion(one.kind as 'told', one, []))
  const questions = [
    ...facts,
    ...events.map(({ question, value }) => valueQuestion('event', question, value!)),
    ...requests.map(([, asks, value]) => valueQuestion('request', asks, value)),
    ...within.map((one) => factQuestion('within', one, one.tells)),
    ...[world.gsm8k, world.truthfulqa].flatMap((all) =>
      all.length > 0 ? times(COUNTS.world, () => random.pick(all)) : [],
    ),
  ]
  return { tells, questions: random.shuffle(questions) }
}

const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make)

function factQuestion(kind: QuestionKind, one: MemoryCase, before: readonly string[]): Question {
  return { kind, before, asks: one.asks, most: REPLY_TOKENS, isRight: (text) => judge(one, [], [], { text }).isRight }
}

function valueQuestion(kind: QuestionKind, asks: string, value: string): Question {
  return factQuestion(kind, { kind: 'told', tells: [], asks, value, stale: [] }, [])
}

/** `{v}` stands for the value. */
type Request = readonly [said: string, asks: string, kind: Kind]

const requests: Readonly<Record<Part, readonly Request[]>> = {
  train: [
    ['Can you help me plan a trip to {v}?', 'Which trip did I want help with?', 'place'],
    ['How do I get to {v} by train?', 'Where did I want to go by train?', 'place'],
    ['Write a poem about {v}.', 'What did I want a poem about?', 'animal'],
    ['Could you give me a recipe with {v}?', 'Which recipe did I ask you for?', 'food'],
    ['What is a good gift for {v}?', 'Who did I want a gift for?', 'person'],
    ['How do you repair {v}?', 'What did I want to repair?', 'thing'],
    ['Explain {v} to me in simple words.', 'What did I want to have explained?', 'degree'],
    ['Can you recommend books like {v}?', 'Which book did I want others like?', 'title'],
  ],
  heldout: [
    ['Is it worth spending a week in {v}?', 'Which place did I think of spending a week in?', 'place'],
    ['How long does {v} have to be in the oven?', 'What did I want to put into the oven?', 'food'],
    ['Draft a birthday card for {v}, please.', 'Whose birthday card did I need?', 'person'],
    ['How hard is it to learn the {v}?', 'Which instrument did I ask you about?', 'instrument'],
  ],
}

function drawRequest(random: Random, part: Part): readonly [said: string, asks: string, value: string] {
  const [said, asks, kind] = random.pick(requests[part])
  const value = drawValue(random, kind, part)
  return [said.replace('{v}', () => value), asks, value]
}

/** Questions of published files, where they are given; every other row for the users that are held out. */
export async function readWorld(gsm8k: string, truthfulqa: string): Promise<Readonly<Record<Part, WorldQuestions>>> {
  const problems =
    gsm8k === '' ? [] : (await readRows(gsm8k)).map((row, i) => gsm8kQuestion(row, `${gsm8k}: row ${i + 1}`))
  const myths =
    truthfulqa === ''
      ? []
      : (await readRows(truthfulqa)).map((row, i) => truthfulQuestion(row, `${truthfulqa}: row ${i + 1}`))
  const half = <T>(all: readonly T[], odd: boolean): T[] => all.filter((_, i) => (i % 2 === 1) === odd)
  return {
    train: { gsm8k: half(problems, false), truthfulqa: half(myths, false) },
    heldout: { gsm8k: half(problems, true), truthfulqa: half(myths, true) },
  }
}

type Row = Awaited<ReturnType<typeof readRows>>[number]

function gsm8kQuestion(row: Row, where: string): Question {
  const wanted = lastNumber(textOf(row, 'answer', where))
  const isRight = (text: string): boolean => lastNumber(text) === wanted
  return { kind: 'gsm8k', before: [], asks: textOf(row, 'question', where), most: GSM8K_TOKENS, isRight }
}

/** Right where the reply has more words of a right answer than of a wrong one. */
function truthfulQuestion(row: Row, where: string): Question {
  const list = (name: string): string[] => textOf(row, name, where).split(';')
  const [right, wrong] = [[textOf(row, 'Best Answer', where), ...list('Correct Answers')], list('Incorrect Answers')]
  const near = (text: string, all: readonly string[]): number => Math.max(...all.map((one) => wordF1(text, one.trim())))
  const isRight = (text: string): boolean => near(text, right) > near(text, wrong)
  return { kind: 'truthfulqa', before: [], asks: textOf(row, 'Question', where), most: REPLY_TOKENS, isRight }
}
