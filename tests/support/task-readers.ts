/** What the right answer is, found by reading a sequence's ids alone: the judges of the generators. */
import { runInNewContext } from 'node:vm'

type Numbers = Record<string, number>
/** The answers to all questions of a sequence, all their tokens; `at` are the places of the questions where ids alone do not tell. */
export type Reader = (ids: readonly number[], options: Numbers, at: readonly number[]) => number[]

export const readers: Readonly<Record<string, { options: Record<string, unknown>; read: Reader }>> = {
  mqar: { options: { vocabulary: 64, length: 64, pairs: 12 }, read: (ids, o, at) => queries(ids, 2 * o['pairs']!, at) },
  'forgetting-mqar': {
    options: { vocabulary: 64, length: 96, pairs: 12, updates: 7 },
    read: (ids, o, at) => queries(ids, 2 * (o['pairs']! + o['updates']!), at),
  },
  rewrite: { options: { pairs: 40, fewest: 3, questions: 5, keySize: 2, valueSize: 2, symbols: 4 }, read: rewritten },
  retrieval: { options: { distance: 60, nearest: 5, valueSize: 3, questions: 4 }, read: needles },
  chain: { options: { depth: 7, shallowest: 1, chains: 3, shuffled: true }, read: assigned },
  parity: { options: { length: 20, shortest: 3 }, read: (ids) => [ids.filter((bit) => bit === 1).length % 2] },
  modular: { options: { length: 20, shortest: 3 }, read: arithmetic },
  'modular-brackets': { options: { length: 30, shortest: 4 }, read: bracketed },
  'word-problem': { options: { length: 12, shortest: 3 }, read: composed },
  recall: { options: { length: 64 }, read: (ids) => repeated(ids, 16) },
  'noisy-recall': { options: { length: 64 }, read: (ids) => repeated(ids, 16) },
  'fuzzy-recall': { options: { length: 64, longest: true }, read: motifs },
  'selective-copying': {
    options: { length: 64, letters: 8 },
    read: (ids) => ids.slice(0, ids.indexOf(15)).filter((id) => id < 14),
  },
  compression: { options: { length: 20 }, read: (ids) => ids.slice(0, 19) },
  copying: { options: { length: 20, shortest: 2 }, read: (ids) => ids.slice(0, ids.indexOf(26)) },
}

/** Pairs, then questions among random tokens, which may be keys too. */
function queries(ids: readonly number[], start: number, at: readonly number[]): number[] {
  const told = new Map<number, number>()
  for (let i = 0; i < start; i += 2) told.set(ids[i]!, ids[i + 1]!)
  return at.map((place) => told.get(ids[place]!)!)
}

function rewritten(ids: readonly number[]): number[] {
  const [separator, end, ask] = [4, 5, 6]
  const told = new Map<string, readonly number[]>()
  const answers: number[] = []
  for (let at = 0; at < ids.length; at = ids.indexOf(end, at) + 1) {
    const key = ids.slice(at, at + 2).join()
    if (ids[at + 2] === separator) told.set(key, ids.slice(at + 3, at + 5))
    if (ids[at + 2] === ask) answers.push(...told.get(key)!)
  }
  return answers
}

function needles(ids: readonly number[]): number[] {
  const [key, ask] = [97, 99]
  const told = new Map<number, readonly number[]>()
  const answers: number[] = []
  for (const [at, id] of ids.entries()) {
    if (id === key) told.set(ids[at + 1]!, ids.slice(at + 3, at + 6))
    if (id === ask) answers.push(...told.get(ids[at + 1]!)!)
  }
  return answers
}

function assigned(ids: readonly number[]): number[] {
  const [equals, plus, ask] = [33, 34, 36]
  const rules = new Map<number, readonly number[]>()
  for (let at = 0; ids[at] !== ask;) {
    const whole = ids[at + 1] === equals && ids[at + 2]! < 7 ? 3 : 5
    rules.set(ids[at]!, ids.slice(at + 2, at + whole))
    at += whole
  }
  const value = (name: number): number => {
    const [first, operator, by] = rules.get(name)!
    return operator === undefined ? first! : (value(first!) + (operator === plus ? by! : 7 - by!)) % 7
  }
  return [value(ids.at(-1)!)]
}

/** Terms split at + and -, factors at *, in exact integers. */
function arithmetic(ids: readonly number[]): number[] {
  let [sum, term, sign] = [0n, 1n, 1n]
  for (const [at, id] of ids.entries()) {
    if (id < 5) term *= BigInt(id)
    if (id === 5 || id === 6 || at === ids.length - 1) {
      sum += sign * term
      term = 1n
      sign = id === 6 ? -1n : 1n
    }
  }
  return [Number(((sum % 5n) + 5n) % 5n)]
}

/** The expression as JavaScript reads it, in exact integers. */
function bracketed(ids: readonly number[]): number[] {
  const text = ids.slice(0, -1).map((id) => (id < 5 ? `${id}n` : '+-*()'[id - 5]!))
  const value = runInNewContext(text.join(' ')) as bigint
  return [Number(((value % 5n) + 5n) % 5n)]
}

/** S3 as the six orders of three things, applied to them one after another. */
function composed(ids: readonly number[]): number[] {
  const orders = ['012', '021', '102', '120', '201', '210']
  const image = ids.reduce((places, id) => Array.from(places, (place) => orders[id]![Number(place)]).join(''), '012')
  return [orders.indexOf(image)]
}

function repeated(ids: readonly number[], noise: number): number[] {
  const told = new Map<number, number>()
  const answers: number[] = []
  for (let at = 0; at < ids.length; at += 2) {
    const key = ids[at]!
    if (key >= noise) continue
    if (told.has(key)) answers.push(told.get(key)!)
    else told.set(key, ids[at + 1]!)
  }
  return answers
}

/** Keys of three tokens 0 to 6, values of tokens 7 to 14; the value of the last question is not written any more. */
function motifs(ids: readonly number[]): number[] {
  const told = new Map<string, readonly number[]>()
  const answers: number[] = []
  for (let at = ids.findIndex((id) => id < 15); at < ids.length;) {
    const key = ids.slice(at, at + 3).join()
    let end = at + 3
    while (end < ids.length && ids[end]! >= 7) end++
    if (told.has(key)) answers.push(...told.get(key)!)
    else told.set(key, ids.slice(at + 3, end))
    at = end
  }
  return answers
}
