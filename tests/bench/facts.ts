/**
 * What the rules of server/memory/facts take from people's own words: precision and recall on tests/fixtures/newcomer.
 * `npx tsx tests/bench/facts.ts [--misses]`; with --misses the misses of the open part are listed, never those held out.
 */
import { readFileSync } from 'node:fs'
import type { Fact, Topic } from '../../server/memory/facts/fact.ts'
import { askedBy } from '../../server/memory/facts/asked-by.ts'
import { latest } from '../../server/memory/facts/supersede.ts'
import { toldBy } from '../../server/memory/facts/told-by.ts'
import { sameTopic } from '../../server/memory/facts/topic.ts'
import { percent, wilsonInterval } from '../../trainer/evaluate/interval.ts'

interface Expected extends Topic {
  readonly value: string
  readonly kind: Fact['kind']
}

interface Line {
  readonly kind: string
  readonly part: 'open' | 'held-out'
  readonly messages: readonly string[]
  readonly facts?: readonly Expected[]
  readonly may?: readonly Expected[]
  readonly asked?: Topic
  readonly answer?: string
}

/** From here on a fact counts as one about the topic. */
const SAME = 0.5

class Count {
  right = 0
  all = 0
  add(isRight: boolean): boolean {
    this.all += 1
    if (isRight) this.right += 1
    return isRight
  }
  toString(): string {
    const [low, high] = wilsonInterval(this.right, this.all)
    return this.all === 0
      ? 'none'
      : `${percent(this.right / this.all)} % of ${this.all} (${percent(low)} to ${percent(high)})`
  }
}

function measure(lines: readonly Line[], miss: (line: Line, what: string, found: unknown) => void): Map<string, Count> {
  const counts = new Map<string, Count>()
  const count = (name: string) => counts.get(name) ?? counts.set(name, new Count()).get(name) ?? new Count()
  for (const line of lines) {
    const known: Fact[] = []
    let last: readonly Fact[] = []
    for (const message of line.messages) {
      last = toldBy(message, known).facts
      known.push(...last)
    }
    const holding = latest(known)
    const asked = askedBy(line.messages.at(-1) ?? '')
    if (line.kind === 'told' || line.kind === 'corrected') {
      for (const expected of line.facts ?? []) {
        const isValue = holding.some((fact) => fact.value === expected.value)
        const isTopic = holding.some((fact) => fact.value === expected.value && sameTopic(expected, fact) >= SAME)
        count(`${line.kind}: exact value`).add(isValue)
        if (!count(`${line.kind}: exact value and topic`).add(isTopic))
          miss(line, `expected ${expected.subject}:${expected.attribute}=${expected.value}`, last)
        if (line.kind === 'corrected') {
          const stale = holding.some((fact) => fact.value !== expected.value && sameTopic(expected, fact) >= SAME)
          if (!count('corrected: the old value does not hold').add(!stale)) miss(line, 'stale', holding)
        }
      }
      for (const fact of last.filter((f) => f.kind !== 'withdrawn')) {
        const isRight = [...(line.facts ?? []), ...(line.may ?? [])].some(
          (e) => e.value === fact.value && sameTopic(e, fact) >= SAME,
        )
        if (!count('told and corrected: precision of facts').add(isRight)) miss(line, 'not expected', fact)
      }
    }
    if (line.kind === 'withdrawn') {
      const topics = line.facts ?? []
      const isGone =
        last.some((fact) => fact.kind === 'withdrawn') &&
        !holding.some((fact) => topics.some((topic) => sameTopic(topic, fact) >= SAME))
      if (!count('withdrawn: nothing holds').add(isGone)) miss(line, 'withdrawn', holding)
    }
    if (line.asked !== undefined) {
      const expected = line.asked
      if (!count('questions: topic').add(asked.some((topic) => sameTopic(expected, topic) >= SAME)))
        miss(line, `asked ${expected.subject}:${expected.attribute}`, asked)
      if (line.answer !== undefined) {
        const best = asked
          .flatMap((topic) => holding.map((fact) => ({ fact, score: sameTopic(topic, fact) })))
          .toSorted((a, b) => b.score - a.score)[0]
        if (
          !count('questions: the told value found').add(
            best !== undefined && best.score >= SAME && best.fact.value === line.answer,
          )
        )
          miss(line, `answer ${line.answer}`, { asked, best, holding })
      }
      if (line.kind === 'untold') {
        const found = holding.filter((fact) => asked.some((topic) => sameTopic(topic, fact) >= SAME))
        if (!count('never told: nothing found').add(found.length === 0)) miss(line, 'found', found)
      }
      if (!count('questions: no fact taken').add(last.length === 0)) miss(line, 'fact from a question', last)
    }
    if (/^(?:small talk|request|world)$/.test(line.kind)) {
      if (!count('small talk and requests: no fact').add(last.length === 0)) miss(line, 'fact', last)
      if (!count('small talk and requests: not a question about the user').add(asked.length === 0))
        miss(line, 'asked', asked)
    }
    if (line.kind === 'told' || line.kind === 'corrected') {
      if (!count('tellings: not taken for a question').add(asked.length === 0)) miss(line, 'asked', asked)
    }
  }
  return counts
}

const lines = readFileSync(new URL('../fixtures/newcomer/told.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Line)

for (const part of ['open', 'held-out'] as const) {
  const own = lines.filter((line) => line.part === part)
  const counts = measure(own, (line, what, found) => {
    if (part === 'open' && process.argv.includes('--misses'))
      console.log(
        `${JSON.stringify(line.messages)} ${what}: ${JSON.stringify(found, (key, value: unknown) => (key === 'sentence' ? undefined : value))}`,
      )
  })
  console.log(`${part}: ${own.length} lines`)
  for (const [name, count] of counts) console.log(`  ${name}: ${count.toString()}`)
}
