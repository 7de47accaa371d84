/** A newcomer's own words as cases for a server: what is told, what is asked then, and what the answer has to have. */
import { readFileSync } from 'node:fs'

interface Topic {
  readonly subject: string
  readonly attribute: string
}

interface ToldLine {
  readonly kind: string
  readonly part: 'open' | 'held-out'
  readonly messages: readonly string[]
  readonly facts?: readonly (Topic & { readonly value: string })[]
  readonly answer?: string
}

interface PeopleLine {
  readonly kind: Case['kind']
  readonly tells: readonly string[]
  readonly asks: string
  readonly value?: string
  readonly old?: string
}

interface OthersLine {
  readonly kind: 'told' | 'corrected' | 'untold' | 'small'
  readonly tells?: string | readonly string[]
  readonly corrects?: string
  readonly asks?: string
  readonly says?: string
  readonly value?: string
  readonly old?: string
}

/** Conversations that tell, and one that asks. */
export interface Case {
  readonly kind: 'told' | 'corrected' | 'never told' | 'small talk'
  readonly part: string
  /** Of one conversation each. */
  readonly tells: readonly (readonly string[])[]
  readonly asks: string
  /** Null: that it was not told. */
  readonly value: string | null
  /** What must not be said any more. */
  readonly old: string | null
  /** What a line is an example of, as `phone`: a part with cells is counted by cell. */
  readonly cell?: string
}

const read = (file: string): string[] =>
  readFileSync(new URL(`../fixtures/newcomer/${file}`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')

/** The lines of told.jsonl, `open` and `held-out`. */
export function toldCases(): Case[] {
  return read('told.jsonl').flatMap((line) => casesOf(JSON.parse(line) as ToldLine))
}

/**
 * The lines of people.jsonl, odd ones (`A`) and even ones (`B`). Every second pair of lines tells and corrects in two
 * conversations, the others in one.
 */
export function peopleCases(): Case[] {
  return read('people.jsonl').map((line, at) => {
    const { kind, tells, asks, value, old } = JSON.parse(line) as PeopleLine
    const conversations = at % 4 < 2 ? [tells] : tells.map((told) => [told])
    const told = conversations.filter(({ length }) => length > 0)
    return { kind, part: at % 2 === 0 ? 'A' : 'B', tells: told, asks, value: value ?? null, old: old ?? null }
  })
}

/**
 * The lines of others-open.jsonl (`C`), others-second.jsonl (`D`), others-third.jsonl (`E`), others-kept.jsonl (`kept`),
 * others-f.jsonl to others-s.jsonl (`F` to `S`; `N` and `O` have corrections only), corrections-open.jsonl (`X`), corrections-second.jsonl (`Y`) and
 * others-unread.jsonl (`unread`), whose writers had seen no rule. Every second pair of lines tells in one conversation, the others
 * in one for each message.
 */
export function othersCases(): Case[] {
  const files = {
    C: 'others-open.jsonl',
    D: 'others-second.jsonl',
    E: 'others-third.jsonl',
    kept: 'others-kept.jsonl',
    X: 'corrections-open.jsonl',
    Y: 'corrections-second.jsonl',
    F: 'others-f.jsonl',
    G: 'others-g.jsonl',
    H: 'others-h.jsonl',
    I: 'others-i.jsonl',
    J: 'others-j.jsonl',
    K: 'others-k.jsonl',
    L: 'others-l.jsonl',
    M: 'others-m.jsonl',
    N: 'others-n.jsonl',
    O: 'others-o.jsonl',
    P: 'others-p.jsonl',
    Q: 'others-q.jsonl',
    R: 'others-r.jsonl',
    S: 'others-s.jsonl',
    unread: 'others-unread.jsonl',
  }
  return Object.entries(files).flatMap(([part, file]) =>
    read(file).map((line, at): Case => {
      const { kind, tells = [], corrects = [], asks, says, value, old } = JSON.parse(line) as OthersLine
      const messages = [tells, corrects].flat()
      const conversations = at % 4 < 2 ? [messages] : messages.map((told) => [told])
      const names = { told: 'told', corrected: 'corrected', untold: 'never told', small: 'small talk' } as const
      return {
        kind: names[kind],
        part,
        tells: conversations.filter(({ length }) => length > 0),
        asks: asks ?? says ?? '',
        value: value ?? null,
        old: old ?? null,
      }
    }),
  )
}

interface ElaboratedLine {
  readonly part: string
  readonly tells: readonly string[]
  /** Which of them answers. */
  readonly at: number
  readonly asks: string
  readonly value: string
}

/** A case with which of its messages answers. */
export type ElaboratedCase = Case & { readonly at: number }

/**
 * The lines of elaborated.jsonl: messages on one subject, one after the other, and a question that one of them answers. Parts are
 * called as those that the messages are from, with a plus: `P+`.
 */
export function elaboratedCases(): ElaboratedCase[] {
  return read('elaborated.jsonl').map((line) => {
    const { part, tells, at, asks, value } = JSON.parse(line) as ElaboratedLine
    return { kind: 'told', part: `${part}+`, tells: [tells], at, asks, value, old: null }
  })
}

interface CellLine {
  readonly cell: string
  readonly tells: readonly string[]
  readonly asks: string
  readonly value?: string
  readonly old?: string
}

/** The lines of cells-open.jsonl (`cells`) and cells-unread.jsonl (`cells-unread`): 20 of each of 15 kinds, told in one conversation. */
export function cellCases(): Case[] {
  return ['cells-open.jsonl', 'cells-unread.jsonl'].flatMap((file) =>
    read(file).map((line): Case => {
      const { cell, tells, asks, value = null, old = null } = JSON.parse(line) as CellLine
      const kind = value === null ? 'never told' : old === null ? 'told' : 'corrected'
      return { kind, part: file.replace(/(?:-open)?\.jsonl$/u, ''), tells: [tells], asks, value, old, cell }
    }),
  )
}

interface SubjectLine {
  readonly tells: readonly string[]
  readonly asks: readonly { readonly at: number; readonly q: string; readonly value: string }[]
  readonly never: readonly string[]
  readonly change: {
    readonly at: number
    readonly says: string
    readonly q: string
    readonly value: string
    readonly old: string
  }
}

/**
 * The lines of subjects-unread.jsonl (`subjects`): three messages on one subject, four questions that they answer and some that they do not.
 * Of every second line one message is changed by a fourth, and is asked for then.
 */
export function subjectCases(): Case[] {
  return read('subjects-unread.jsonl').flatMap((line, at): Case[] => {
    const { tells, asks, never, change } = JSON.parse(line) as SubjectLine
    const isChanged = at % 2 === 1
    const told = isChanged ? [tells, [change.says]] : [tells]
    const of = { part: 'subjects', tells: told }
    const kept = asks.filter((one) => !isChanged || one.at !== change.at)
    const { q, value, old } = change
    return [
      ...kept.map((one): Case => ({ ...of, kind: 'told', asks: one.q, value: one.value, old: null })),
      ...never.map((asks): Case => ({ ...of, kind: 'never told', asks, value: null, old: null })),
      ...(isChanged ? [{ ...of, kind: 'corrected', asks: q, value, old } as const] : []),
    ]
  })
}

function casesOf({ kind, part, messages, facts = [], answer }: ToldLine): Case[] {
  const last = messages.at(-1) as string
  const before = messages.length > 1 ? [messages.slice(0, -1)] : []
  const asked = { part, tells: before, asks: last, old: null }
  if (kind === 'asked' && answer !== undefined) return [{ ...asked, kind: 'told', value: answer }]
  if (kind === 'untold') return [{ ...asked, kind: 'never told', value: null }]
  if (kind === 'small talk') return [{ ...asked, kind, tells: [], value: null }]
  if (kind !== 'told' && kind !== 'corrected') return []
  return facts.map((fact) => ({ ...asked, kind, tells: [messages], asks: questionFor(fact), value: fact.value }))
}

/** A plain question for a topic, where the line has none of its own. */
function questionFor({ subject, attribute }: Topic): string {
  if (subject !== 'user') return `What is my ${subject}'s ${attribute}?`
  if (attribute === 'home') return 'Where do I live?'
  if (attribute === 'likes') return 'What do I like?'
  if (attribute === 'allergy') return 'What am I allergic to?'
  return `What is my ${attribute}?`
}
