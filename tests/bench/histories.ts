/**
 * People who tell of many things: the lines of tests/fixtures/newcomer, those of ten subjects told by one user one after the other, each
 * subject in conversations of its own, and then asked for in another. Without a model and without HTTP: store, rules, embedder and
 * critic as in the server, in place of a reply that says nothing.
 *   npx tsx tests/bench/histories.ts [--parts P,Q] [--subjects 10] [--show]
 * The questions of elaborated.jsonl on the messages of a part are asked too. --show prints what is wrong.
 */
import { parseArgs } from 'node:util'
import { percent, shareOf } from '../../trainer/evaluate/interval.ts'
import { Random } from '../../trainer/random.ts'
import { bundledMemory } from '../support/bundled-memory.ts'
import { MemoryHistory } from '../support/memory-history.ts'
import { elaboratedCases, othersCases, subjectCases, type Case } from '../support/newcomer-cases.ts'

const { values } = parseArgs({
  options: {
    parts: { type: 'string', default: 'P,Q' },
    subjects: { type: 'string', default: '10' },
    show: { type: 'boolean', default: false },
  },
})

/** What was told, and all that is asked of it. */
interface Subject {
  readonly tells: Case['tells']
  readonly asked: Case[]
}

function subjectsOf(parts: readonly string[]): Subject[] {
  const cases = [...othersCases(), ...elaboratedCases(), ...subjectCases()].filter(
    ({ kind, part }) => kind !== 'small talk' && parts.includes(part.replace('+', '')),
  )
  const subjects = new Map<string, Subject>()
  for (const [at, one] of cases.entries()) {
    // What was never told is asked of the same messages as what one of them answers.
    const isOfSubject = one.part === 'subjects'
    const isShared = isOfSubject || one.kind === 'never told' || one.part.endsWith('+')
    const tells = isShared && !isOfSubject ? [one.tells.flat()] : one.tells
    const key = isShared ? JSON.stringify(tells) : String(at)
    const subject = subjects.get(key) ?? { tells, asked: [] }
    subjects.set(key, subject)
    subject.asked.push(one)
  }
  return new Random('histories').shuffle([...subjects.values()])
}

const folded = (text: string): string => text.normalize('NFKC').toLowerCase()
const isDenial = (reply: string): boolean => /have not told/iu.test(reply)
const isNear = (reply: string): boolean => /What comes nearest:/u.test(reply)
const says = (reply: string, value: string): boolean => folded(reply).includes(folded(value))
const saysWord = (reply: string, value: string): boolean =>
  new RegExp(
    `(?<![\\p{L}\\p{N}])${folded(value).replaceAll(/[.*+?^${}()|[\]\\/]/gu, '\\$&')}(?![\\p{L}\\p{N}])`,
    'u',
  ).test(folded(reply))

const kindOf = ({ kind, part }: Case): string => (part.endsWith('+') ? 'one of three messages on a subject' : kind)

function isRight({ kind, value, old }: Case, reply: string): boolean {
  if (kind === 'never told') return isDenial(reply)
  return says(reply, value!) && (old === null || !saysWord(reply, old))
}

const bundled = await bundledMemory()
const history = new MemoryHistory(bundled)
const right = new Map<string, boolean[]>()
const subjects = subjectsOf(values.parts.split(','))
const size = Number(values.subjects)
try {
  for (let from = 0; from < subjects.length; from += size) {
    const own = subjects.slice(from, from + size)
    const user = `user-${from}`
    for (const [at, { tells }] of own.entries())
      for (const [conversation, messages] of tells.entries())
        for (const message of messages) await history.say(message, user, `${user}-${at}-${conversation}`)
    for (const one of own.flatMap(({ asked }) => asked)) {
      const { text } = await history.ask(one.asks, true, user)
      const kind = kindOf(one)
      const count = (row: string, is: boolean): void => void right.set(row, [...(right.get(row) ?? []), is])
      count(kind, isRight(one, text))
      count(`${kind}, without "what comes nearest"`, isRight(one, text) && !isNear(text))
      if (values.show && !isRight(one, text))
        console.log(`${kind}: ${one.asks} (${one.value ?? 'not told'}) => ${text}`)
    }
  }
} finally {
  await history.close()
  bundled.close()
}
console.log('| | questions | right, percent |\n| --- | ---: | ---: |')
for (const [kind, all] of right) {
  const { share, interval } = shareOf(all.filter(Boolean).length, all.length)
  console.log(`| ${kind} | ${all.length} | ${percent(share)} (${interval.map(percent).join(' to ')}) |`)
}
