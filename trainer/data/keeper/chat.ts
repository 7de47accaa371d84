/** The turns of a keeper chat: one function for each kind of exchange. */
import type { Random } from '../../random.ts'
import type { Attribute } from './attributes.ts'
import { greeting, smallTalk } from './filler.ts'
import { clause, corrections, leads, questions, replies, tells, type Wording } from './phrasing.ts'

/** What the user has told about one attribute, with the value that holds now. */
export interface Fact {
  readonly attribute: Attribute
  readonly value: string
}

/** One message of the user and its reply. */
export interface Turn {
  readonly user: string
  readonly reply: string
  /** The value that the reply has to recall; it stands in the reply after a space. */
  readonly recalled?: string
}

/** The user tells one or more facts in one message. */
export function tellTurn(random: Random, facts: readonly Fact[], wording: Wording = 'seen'): Turn {
  const [first] = facts
  if (first === undefined) throw new RangeError('tellTurn: no fact to tell')
  if (facts.length === 1) {
    const own = wording === 'seen' && random.chance(0.5) ? first.attribute.tells : []
    const user = said(led(random, random.pick(own.length > 0 ? own : tells[wording]), wording), first)
    return { user, reply: random.chance(0.35) ? said(random.pick(replies.echoed), first) : random.pick(replies.noted) }
  }
  const clauses = facts.map((fact) => said(clause, fact))
  const user = `${clauses.slice(0, -1).join(', ')} and ${clauses.at(-1) as string}.`
  return { user: user.charAt(0).toUpperCase() + user.slice(1), reply: random.pick(replies.noted) }
}

/** The user replaces a value told before; `fact` holds the new one. */
export function correctTurn(random: Random, fact: Fact, wording: Wording = 'seen'): Turn {
  const echoed = random.chance(0.4)
  return {
    user: said(led(random, random.pick(corrections[wording]), wording), fact),
    reply: said(random.pick(echoed ? replies.correctedEcho : replies.corrected), fact),
  }
}

/** The user asks for a fact and is told its value. */
export function askTurn(random: Random, fact: Fact, wording: Wording = 'seen'): Turn {
  const reply = replies.answer[random.chance(0.85) ? 0 : 1]
  return { user: question(random, fact.attribute, wording), reply: said(reply, fact), recalled: fact.value }
}

/** The user asks for something never told. */
export function unknownTurn(random: Random, attribute: Attribute, wording: Wording = 'seen'): Turn {
  const reply = replies.unknown[random.chance(0.85) ? 0 : 1]
  return { user: question(random, attribute, wording), reply: reply.replace('{a}', attribute.phrase) }
}

/** An exchange that tells nothing about the user. */
export function fillerTurn(random: Random): Turn {
  return smallTalk(random)
}

/** A greeting to open a chat. */
export function greetingTurn(random: Random): Turn {
  return greeting(random)
}

function question(random: Random, attribute: Attribute, wording: Wording): string {
  const own = wording === 'seen' && random.chance(0.4) ? attribute.asks : []
  return led(random, random.pick(own.length > 0 ? own : questions[wording]), wording).replace('{a}', attribute.phrase)
}

/** The template, now and then after a word that leads to it. */
function led(random: Random, template: string, wording: Wording): string {
  if (wording === 'unseen' || random.chance(0.85)) return template
  const rest = template.startsWith('I ') ? template : template.charAt(0).toLowerCase() + template.slice(1)
  return `${random.pick(leads)} ${rest}`
}

function said(template: string, fact: Fact): string {
  return template.replace('{a}', fact.attribute.phrase).replace('{v}', fact.value)
}
