/** Lengths, weights, sums and durations: the same in other units or writing, or another one. */
import type { Random } from '../../random.ts'
import type { Claim } from './claim.ts'
import { inWords } from './values.ts'

interface Measure {
  readonly tells: string
  readonly asks: string
  readonly says: string
  readonly range: readonly [number, number]
  /** Writings of the same amount; the first is that of the user. */
  readonly same: readonly ((n: number) => string)[]
  /** Writings of another one with the same number. */
  readonly other: readonly ((n: number) => string)[]
}

const plain = (unit: string) => (n: number) => `${n} ${unit}`
const words = (unit: string) => (n: number) => `${inWords(n)} ${unit}`

const MEASURES: readonly Measure[] = [
  {
    tells: 'I am {v} tall.|I measure {v}.|my height is {v}',
    asks: 'How tall am I?|What is my height?',
    says: 'You are {v} tall.|Your height is {v}.|You measure {v}.',
    range: [145, 205],
    same: [
      plain('cm'),
      (n) => `${(n / 100).toFixed(2)} m`,
      plain('centimeters'),
      (n) => `${(n / 100).toFixed(2)} meters`,
    ],
    other: [plain('inches'), plain('meters')],
  },
  {
    tells: 'I weigh {v}.|my weight is {v}|the scale says {v}',
    asks: 'How much do I weigh?|What is my weight?',
    says: 'You weigh {v}.|Your weight is {v}.',
    range: [45, 99],
    same: [plain('kg'), plain('kilos'), plain('kilograms'), words('kilos')],
    other: [plain('pounds'), plain('grams')],
  },
  {
    tells: 'it is {v} to work|my way to work is {v}|I walk {v} a day',
    asks: 'How far is it to work?|How far do I walk?',
    says: 'It is {v}.|You walk {v}.|Your way is {v} long.',
    range: [2, 90],
    same: [plain('km'), plain('kilometers'), plain('kilometres'), words('kilometers')],
    other: [plain('miles'), plain('meters')],
  },
  {
    tells: 'I earn {v}.|my budget is {v}|I pay {v} for it|it costs me {v}',
    asks: 'What do I pay?|How much is it?|What is my budget?|What do I earn?',
    says: 'You pay {v}.|It is {v}.|Your budget is {v}.|You have {v}.',
    range: [1000, 9999],
    same: [
      plain('euros'),
      (n) => `€${n}`,
      (n) => `${n.toLocaleString('en-US')} euros`,
      (n) => `€${n.toLocaleString('en-US')}`,
    ],
    other: [plain('dollars'), (n) => `$${n}`, plain('pounds')],
  },
  {
    tells: 'the drive takes {v}|I need {v} to get there|it lasts {v}',
    asks: 'How long does it take?|How long is the drive?',
    says: 'It takes {v}.|You need {v}.|It lasts {v}.',
    range: [2, 55],
    same: [plain('minutes'), words('minutes'), plain('min')],
    other: [plain('hours'), plain('seconds'), plain('days')],
  },
]

/** A claim about something that is measured. */
export function measured(random: Random): Claim {
  const { tells, asks, says, range, same, other } = random.pick(MEASURES)
  const n = random.between(...range)
  const said = random.uniform()
  const another = n + random.pick([-20, -10, -2, -1, 1, 2, 3, 10])
  const isSame = said < 0.45
  const amount = isSame
    ? random.pick(same)(n)
    : said < 0.75
      ? random.pick(same)(Math.max(1, another))
      : random.pick(other)(n)
  const put = (stems: string, value: string): string => random.pick(stems.split('|')).replace('{v}', () => value)
  return {
    kind: 'measured',
    evidence: put(tells, (random.chance(0.7) ? same[0]! : random.pick(same))(n)),
    question: random.pick(asks.split('|')),
    sentence: put(says, amount),
    label: isSame ? 'supported' : 'contradicted',
  }
}
