/** Values: arbitrary strings of many shapes. The evaluation draws words, and some whole shapes, that training never sees. */
import type { Random } from '../../random.ts'
import * as words from './words.ts'

/** Whether stems, words and shapes are those of training or those that were kept aside. */
export type Part = 'train' | 'heldout'

export type Kind =
  | 'person'
  | 'place'
  | 'food'
  | 'color'
  | 'job'
  | 'hobby'
  | 'animal'
  | 'number'
  | 'age'
  | 'code'
  | 'date'
  | 'clock'
  | 'phone'
  | 'email'
  | 'company'
  | 'title'
  | 'secret'
  | 'language'
  | 'spot'
  | 'body'
  | 'thing'
  | 'vehicle'
  | 'diet'
  | 'instrument'
  | 'degree'

type Draw = (random: Random, part: Part) => string
interface Shapes {
  readonly seen: readonly Draw[]
  /** Drawn half of the time in the evaluation, and never in training. */
  readonly unseen?: readonly Draw[]
}

const of = ({ seen, unseen }: words.Words, part: Part): readonly string[] => (part === 'train' ? seen : unseen)
const word =
  (list: words.Words): Draw =>
  (random, part) =>
    random.pick(of(list, part))
const digits = (random: Random, n: number): string => Array.from({ length: n }, () => random.int(10)).join('')
const letters = (random: Random, n: number, from = 'ABCDEFGHJKLMNPQRSTUVWXYZ'): string =>
  Array.from({ length: n }, () => from[random.int(from.length)]).join('')
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** A word that no list has: consonants and vowels in turn. */
function invented(random: Random, part: Part): string {
  const [heads, hearts, tails] =
    part === 'train'
      ? ['b,d,f,g,k,l,m,n,p,r,s,t,v,z,br,dr,kr,pl,st,tr', 'a,e,i,o,u,ai,ou', ',n,r,s,l,k,m,x']
      : ['bl,fr,gl,h,j,qu,sh,sk,sn,th,w,y', 'ee,oa,ie,a,o,u', 'ck,nd,sh,rt,lm,ft,']
  const pick = (text: string): string => random.pick(text.split(','))
  const syllable = (): string => pick(heads) + pick(hearts)
  return Array.from({ length: random.between(1, 3) }, syllable).join('') + pick(hearts) + pick(tails)
}

const inventedName: Draw = (random, part) => capital(invented(random, part))
const full: Draw = (random, part) => `${word(words.names)(random, part)} ${word(words.surnames)(random, part)}`
const ascii = (text: string): string =>
  text
    .normalize('NFD')
    .replace(/[^A-Za-z]/g, '')
    .toLowerCase()
const year = (random: Random): number => random.between(1940, 2030)
const clock = (random: Random, minutes: string): string => `${random.between(1, 12)}${minutes}`

const shapes: Record<Kind, Shapes> = {
  person: {
    seen: [word(words.names), word(words.names), inventedName, full],
    unseen: [(r, p) => `Dr. ${inventedName(r, p)}`],
  },
  place: {
    seen: [word(words.places), word(words.places), inventedName],
    unseen: [(r, p) => `Port ${inventedName(r, p)}`],
  },
  food: {
    seen: [word(words.foods), word(words.foods), (r, p) => `${word(words.plain)(r, p)} ${word(words.foods)(r, p)}`],
  },
  color: { seen: [word(words.colors)], unseen: [(r) => `#${letters(r, 6, '0123456789abcdef')}`] },
  job: { seen: [word(words.jobs)] },
  hobby: { seen: [word(words.hobbies)] },
  animal: { seen: [word(words.animals)] },
  number: {
    seen: [(r) => digits(r, r.between(2, 6)), (r) => `${r.between(1, 900)}`],
    unseen: [(r) => `${digits(r, 3)}/${digits(r, 2)}`],
  },
  age: { seen: [(r) => `${r.between(2, 98)}`] },
  code: {
    seen: [
      (r) => `${letters(r, 2)}${digits(r, 4)}`,
      (r) => `${letters(r, 3)}-${digits(r, 3)}`,
      (r) => digits(r, r.between(4, 8)),
      (r) => `${digits(r, 2)}-${letters(r, 2)}-${digits(r, 2)}`,
      (r) => letters(r, 6, 'abcdefghijkmnpqrstuvwxyz23456789'),
    ],
    unseen: [
      (r) => `#${digits(r, 3)}.${letters(r, 2)}`,
      (r) => `${letters(r, 1)}${digits(r, 1)}${letters(r, 1)} ${digits(r, 1)}${letters(r, 2)}`,
    ],
  },
  date: {
    seen: [
      (r) => `${r.pick(words.months)} ${r.between(1, 28)}`,
      (r) => `the ${r.between(4, 20)}th of ${r.pick(words.months)}`,
      (r) => `${r.between(1, 28)} ${r.pick(words.months)} ${year(r)}`,
      (r) => r.pick(words.days),
    ],
    unseen: [(r) => `${year(r)}-0${r.between(1, 9)}-${r.between(10, 28)}`],
  },
  clock: {
    seen: [(r) => clock(r, `:${r.between(10, 59)}`), (r) => clock(r, ' am'), (r) => clock(r, ':30 pm')],
    unseen: [(r) => `half past ${r.pick(['six', 'nine', 'two'])}`],
  },
  phone: {
    seen: [
      (r) => `${digits(r, 3)}-${digits(r, 4)}`,
      (r) => `0${digits(r, 3)} ${digits(r, 6)}`,
      (r) => `+${digits(r, 2)} ${digits(r, 3)} ${digits(r, 4)}`,
    ],
    unseen: [(r) => `(${digits(r, 3)}) ${digits(r, 3)}-${digits(r, 4)}`],
  },
  email: {
    seen: [
      (r, p) => `${ascii(word(words.names)(r, p))}.${ascii(word(words.surnames)(r, p))}@${invented(r, p)}.com`,
      (r, p) =>
        `${ascii(word(words.names)(r, p))}${digits(r, 2)}@${word(words.plain)(r, p)}mail.${r.pick(['org', 'net', 'de'])}`,
    ],
    unseen: [
      (r, p) => `${letters(r, 1, 'abcdefgh')}_${ascii(word(words.surnames)(r, p))}@${word(words.plain)(r, p)}.co.uk`,
    ],
  },
  company: {
    seen: [
      inventedName,
      (r, p) => `${capital(word(words.plain)(r, p))} ${r.pick(['Labs', 'Bank', 'Logistics', 'Foods', 'Systems'])}`,
      (r, p) => `${word(words.surnames)(r, p)} & Sons`,
    ],
    unseen: [(r, p) => `${inventedName(r, p)} Ltd`],
  },
  title: {
    seen: [
      (r, p) => `The ${capital(word(words.plain)(r, p))} ${capital(word(words.plain)(r, p))}`,
      (r, p) => `${capital(word(words.plain)(r, p))} of ${inventedName(r, p)}`,
      inventedName,
    ],
    unseen: [(r, p) => `${capital(word(words.plain)(r, p))}s and ${capital(word(words.plain)(r, p))}s`],
  },
  language: { seen: [word(words.languages)] },
  spot: {
    seen: [(r, p) => `${r.pick(['under', 'behind', 'in', 'next to'])} the ${word(words.objects)(r, p)}`],
    unseen: [(r, p) => `on top of the ${word(words.objects)(r, p)}`],
  },
  body: { seen: [word(words.body)] },
  thing: { seen: [word(words.objects)] },
  vehicle: { seen: [word(words.vehicles)] },
  diet: { seen: [word(words.diets)] },
  instrument: { seen: [word(words.instruments)] },
  degree: { seen: [word(words.degrees)] },
  secret: {
    seen: [
      (r, p) => `${word(words.plain)(r, p)} ${word(words.plain)(r, p)} ${word(words.plain)(r, p)}`,
      (r, p) => `${word(words.plain)(r, p)}${digits(r, 2)}`,
      invented,
    ],
    unseen: [(r, p) => `${capital(word(words.plain)(r, p))}!${digits(r, 3)}`],
  },
}

/** A value of a kind; those of the evaluation are of words and shapes that training does not have. */
export function drawValue(random: Random, kind: Kind, part: Part): string {
  const { seen, unseen } = shapes[kind]
  const drawn = part === 'heldout' && unseen && random.chance(0.5) ? unseen : seen
  return random.pick(drawn)(random, part)
}
