import type { Topic } from './fact.ts'
import { topicOf } from './noun-phrase.ts'
import { MASK, plainOf } from './plain.ts'
import { ASKED_FORMS, groupsOf } from './asked-forms.ts'
import { sentencesOf } from './sentences.ts'
import { EMPTY_NOUNS, isBeing, OWN_NOUNS } from './vocabulary.ts'

const LEAD =
  /^(?:(?:hey|hi|hello|ok|okay|so|and|but|btw|by the way|also|um|oh|well|please|pls|quick question|sorry|wait|just|now|then|remind me again|remind me|one question|question|hmm|i forgot|i can'?t remember|i wonder|i'?ve forgotten|not sure i remember|help me out|be honest|for the record|tell me again)[\s,.:!;–—-]+){1,4}/iu
const REMEMBER =
  /^(?:(?:do|did|can|could|would|will) (?:you|u) (?:still |happen to |even |maybe |please |perhaps |by any chance |kindly )*(?:remember|recall|know|tell me|remind me|say|have|know about|look up|give me|repeat)|(?:please )?(?:tell me|remind me|repeat|recall|give me|look up|any idea|any clue|(?:do )?you (?:still )?(?:remember|know)|i told you|have i (?:told|mentioned to) you|did i (?:ever )?(?:tell|mention(?: to)?)(?: you)?|what do you (?:know|remember)|remember|(?:i )?wonder))(?:\s+(?:again|once more|me|please|about|of))*[\s,:]+/iu
const TAIL =
  /(?:[\s,.!?…:)]+|\s(?:again|please|pls|now|these days|nowadays|currently|right now|at the moment|btw|by the way|today|then|exactly|actually|once more|anyway|already|do you (?:remember|know|recall)|remember|for me|if you (?:remember|know)|so far|at all|thx|thanks|lol|you know|i told you|(?:that )?i (?:told|gave) you(?: about)?|in your memory|on file))$/iu
const NOT_ABOUT_SELF =
  /^(?:how (?:(?:do|should|would)(?! (?:i|you|we|u) (?:(?:spell|pronounce) (?:my|our)\b|(?:write|say) (?:my|our) [^,;.!?]*name$))|can|could|to)\b|(?:what|which|where|when|who|why) (?:should(?! (?:you|u) call me)|can(?!'?t)|could|would|might|shall)\b|why\b|should\b|can i\b|could i\b|may i\b|can we\b|would\b|will\b|how long (?:does|do|will|would|should)|what (?:do|did|does) you\b|what(?:'?s| is) (?:wrong|the (?:best|meaning|difference|point|use)))/iu
/** "How can I call my sister?" */
const REACHED =
  /^(?:how|where|(?:on|at|under) (?:what|which) number) (?:can|could|do) (?:i|we) (?:call|reach|phone|text|ring|contact) (?<who>(?:my|our) [\p{L}' -]{2,30}?)(?: on the phone)?$/iu
const MAX_ASKED = 4

/** What a user's message asks about themselves and theirs; empty where it asks for nothing that they could have told. */
export function askedBy(text: string): Topic[] {
  const plain = plainOf(text)
  const asked: Topic[] = []
  for (const sentence of sentencesOf(text)) {
    const words = plain.slice(sentence.start, sentence.end)
    if (words.includes(MASK)) continue
    for (const question of words
      .split(/(?<=\?)\s|,? and (?=(?:what|where|when|who|how|which)\b)/iu)
      .slice(0, MAX_ASKED)) {
      const topic = askedIn(question)
      if (
        topic !== undefined &&
        topic.attribute !== '' &&
        !asked.some((t) => t.subject === topic.subject && t.attribute === topic.attribute)
      ) {
        asked.push(topic)
      }
    }
    if (asked.length >= MAX_ASKED) return asked
  }
  return asked
}

function askedIn(sentence: string): Topic | undefined {
  const isMarked = sentence.trimEnd().endsWith('?')
  let words = sentence.trim()
  let isRecalled = false
  for (let i = 0; i < 4; i++) {
    const lead = LEAD.exec(words) ?? REMEMBER.exec(words)
    if (lead === null) break
    if (REMEMBER.test(words)) isRecalled = true
    words = words.slice(lead[0].length)
  }
  for (let i = 0; i < 8; i++) {
    const tail = TAIL.exec(words.slice(-40))
    if (tail === null || tail[0].length >= words.length) break
    words = words.slice(0, -tail[0].length)
  }
  const reached = REACHED.exec(words)?.groups?.['who']
  if (reached !== undefined) return { subject: topicOf(reached).attribute, attribute: 'phone number' }
  if (NOT_ABOUT_SELF.test(words)) return undefined
  for (const form of ASKED_FORMS) {
    const match = form.pattern.exec(words)
    const topic = match === null ? undefined : form.topic(groupsOf(match))
    if (topic !== undefined) return topic
  }
  const whose = WHOSE_ALONE.exec(words)?.groups?.['who']
  if (whose !== undefined && isBeing(whose.toLowerCase())) return topicOf(words)
  return isRecalled || isMarked || ALONE.test(words) ? ofPhrase(words, isRecalled, isMarked) : undefined
}

/** "my wifi password": a noun phrase for a message asks for it. */
const ALONE = /^(?:my|our) [\p{L}'-]+(?: [\p{L}'-]+){0,3}$/iu
/** "Sister's birthday": whose it is says that it is asked for. */
const WHOSE_ALONE = /^(?<who>\p{L}+)['’]s \p{L}+(?: \p{L}+)?$/u

/** "remind me of my wifi password", "my favorite color was...?" */
function ofPhrase(words: string, isRecalled: boolean, isMarked: boolean): Topic | undefined {
  const match =
    /^(?:of |about )?(?<own>(?:my|our)\s|(?:the|what)\s)?(?<np>[\p{L}\p{N}'@ -]{2,80}?)(?:\s(?:is|was|are|were|again))*$/iu.exec(
      words,
    )
  const phrase = match?.groups?.['np']
  if (
    phrase === undefined ||
    phrase.split(' ').length > 7 ||
    /\b(?:you|your|it|a|joke|story|is|was|should|if)\b/iu.test(phrase)
  )
    return undefined
  const topic = topicOf(phrase)
  if (EMPTY_NOUNS.has(topic.attribute) && !isMarked) return undefined
  const isOwn = match?.groups?.['own'] !== undefined && /^(?:my|our)/iu.test(match.groups['own'])
  if (isOwn) return topic
  const head = topic.attribute.split(' ').at(-1) ?? ''
  // "Order number?"
  if (
    isMarked &&
    OWN_NOUNS.has(head) &&
    /^[\p{L}'-]+(?: [\p{L}'-]+){0,3}$/iu.test(phrase) &&
    !/^(?:the|what)/iu.test(words)
  )
    return topic
  return isRecalled && OWN_NOUNS.has(head) && (isBeing(topic.subject) || match?.groups?.['own'] !== undefined)
    ? topic
    : undefined
}
