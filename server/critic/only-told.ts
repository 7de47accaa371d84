/** What a model says that knows nothing but what its user told, where none of that answers: its own words are seldom to the point. */
import { sentencesOf } from '../memory/facts/sentences.ts'
import { asksByNoun } from '../memory/facts/speech-acts.ts'
import type { Question } from '../memory/recall/question.ts'
import type { TurnMemories } from '../memory/told.ts'
import { NOTED, NOT_TOLD, SEEN, type FittingReply } from '../../runtime/small-talk.ts'
import type { Memory } from '../store/memory-calls.ts'
import { fold } from './compare-values.ts'
import type { Decision } from './policy.ts'
import type { SentenceVerdict } from './verdict.ts'

/** Served in place of an invented reply or promise where the user has asked nothing about themselves, and of the world. */
export const ONLY_TOLD = 'I only remember what you tell me about yourself.'
/** The same to a question that may be about themselves. */
const ASKED_OF_THEM = `${NOT_TOLD} ${ONLY_TOLD}`
/** Said before anything else to who may hurt themselves. */
const DANGER = 'You matter. Please talk to someone close to you about this, or call an emergency number now.'
const IN_DANGER =
  /\b(?:kill(?:ing)? my ?self|suicid\p{L}*|(?:want|going|wish) to die|wish i (?:was|were) dead|end (?:my life|it all)|hurt(?:ing)? my ?self|harm(?:ing)? my ?self|self[- ]?harm|overdos\p{L}*|too many pills|do(?:n'?t| not) want to (?:live|be here) any ?more)\b/iu
/** How likely a reply to something that was kept has to be: of 1,840 tellings 204 had one from 0.5 on ("I am engaged": "I am sorry to hear that."), 24 from 0.8 on. */
const SURE = 0.8
const GREETING = /^\s*(?:hi|hey|hello|hiya|yo)(?:,? (?:there|again|it'?s me|me))*[\s!.,)(:]*$/iu

/**
 * What is served in place of such a model's reply: that the message was kept, a greeting, what fits small talk, or that it knows
 * nothing of the world; null: the reply stands. `question`: what the message asks that its user could have told; null: nothing.
 * `fitting`: a written reply that fits the message, if there is one.
 */
export async function onlyTold(
  message: string,
  question: Question | null,
  verdicts: readonly SentenceVerdict[],
  told: TurnMemories | null,
  fitting: () => Promise<FittingReply | null>,
): Promise<Decision | null> {
  const written = told?.written ?? []
  const say = (text: string): Decision => ({ action: 'replace', text, facts: written.map(({ id }) => id) })
  if (IN_DANGER.test(message)) return say(DANGER)
  if (written.length > 0) {
    const isSaid = verdicts.some(({ verdict, text }) => verdict === 'supported' && saysWhole(text, written))
    if (question || isSaid) return null
    // "Gn, talk tomorrow" is kept, and said good night to.
    const isRemark = written.length === 1 && written[0]!.fact === null && !/\d/u.test(message)
    const reply = isRemark ? await fitting() : null
    return say(reply && reply.probability >= SURE && isOfTalk(reply) ? reply.text : NOTED)
  }
  if (GREETING.test(message)) return say(`Hello! ${ONLY_TOLD}`)
  const asked = askedOfTheWorld(message)
  if (question && asksByNoun(message)) return say(ASKED_OF_THEM)
  if (asked === null && question && (question.isOwn || asks(message))) return null
  const reply = await fitting()
  if (reply && isOfTalk(reply)) return say(reply.text)
  if (reply?.text === NOT_TOLD) return say(ASKED_OF_THEM)
  // "What's the code for the alarm?": theirs, maybe.
  if (asked === 'question' && question?.isDefinite) return say(ASKED_OF_THEM)
  return say(asked !== null || asks(message) ? ONLY_TOLD : SEEN)
}

/** "Got it, your birthday is 8.", of the 8th of November, is no confirmation. */
const saysWhole = (text: string, written: readonly Memory[]): boolean =>
  written.some(({ fact }) => fact !== null && fold(text).includes(fold(fact.value)))

/** Whether a reply is one to small talk: nothing is promised that was not kept. */
const isOfTalk = ({ text }: FittingReply): boolean => text !== SEEN && text !== NOTED && text !== NOT_TOLD

const LEAD =
  /^(?:(?:hey|hi|hello|ok|okay|so|and|but|well|um|oh|now|then|please|pls|just|quick question|(?:can|could|would|will) (?:you|u)(?: please| kindly)?|i(?:'d| would) like you to|i want you to)[\s,.:;!–—-]+)+/iu
const ASKS =
  /^(?:what|what's|whats|which|who|who's|whos|whom|whose|when|when's|where|where's|why|how|how's|is|are|was|were|do|does|did|has|have|will|would|can|could|should|may|might)\b/iu
const ORDERS =
  /^(?:tell (?:me|us) (?:a|an|another|about|something|how|why|what|who)|write|explain|translate|summari[sz]e|describe|list|make (?:me )?(?:a|an|up)|create|compose|draw|calculate|compute|solve|define|recommend|suggest|show (?:me )?|find (?:me )?|search|google|look up|help (?:me )?(?:with|to|write|find|understand)|convert|generate|draft|rewrite|fix|compare|name (?:a|an|one|two|three|the)|play|sing|teach|give me (?:a|an|some|the|\d+)|spell|code|prove)\b/iu
/** What the user has and does: that may have been told. */
const OF_THE_USER = /\b(?:i|i'?m|i'?ve|i'?d|my|mine|we|we'?re|our|ours|us|me)\b/iu
/** A question about the model. */
const TO_THE_MODEL =
  /^(?:how (?:are|r) (?:you|u)|how (?:you|u) doing|how(?:'s| is) it going|what (?:can|do) (?:you|u) do|(?:who|what) (?:are|r) (?:you|u)|(?:are|do|did|were|have|will|would|don't|aren't) (?:you|u)|(?:who|what) (?:made|built|trained) (?:you|u))\b/iu
/** It may ask for what was told. */
const REMEMBERS = /\b(?:do (?:you|u) know me|(?:you|u) remember)\b/iu

/** Whether a message is no question of what was told, whatever of that comes near it. */
export const asksNothingTold = (message: string): boolean =>
  GREETING.test(message) || ['order', 'model'].includes(askedOfTheWorld(message) ?? '')

const asks = (message: string): boolean => {
  const bare = lastSentence(message)
  return ASKS.test(bare) || ORDERS.test(bare) || bare.endsWith('?')
}

/** Whether the last sentence of a message asks, or orders, what has nothing to do with its user, or asks of the model; null: none of these. */
export function askedOfTheWorld(message: string): 'question' | 'order' | 'model' | null {
  const bare = lastSentence(message)
  if (REMEMBERS.test(bare)) return null
  if (TO_THE_MODEL.test(bare)) return OF_THE_USER.test(bare) ? null : 'model'
  if (ORDERS.test(bare)) return /\b(?:my|our)\b/iu.test(bare) ? null : 'order'
  return (ASKS.test(bare) || bare.endsWith('?')) && !OF_THE_USER.test(bare) ? 'question' : null
}

/** The last sentence of a message, without a greeting or a "please" before it. */
function lastSentence(message: string): string {
  const text = message.replaceAll(/[’‘`´]/gu, "'")
  const last = sentencesOf(text).at(-1)
  return (last ? text.slice(last.start, last.end) : text).trim().replace(LEAD, '')
}
