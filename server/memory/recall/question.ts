/** What a message asks, as far as it can be answered by what its user told. */
import { asksByNoun } from '../facts/speech-acts.ts'
import { isBeingWord } from '../facts/vocabulary.ts'
import { isCommon, searchWords, stem } from '../search-words.ts'
import { wordsOf } from '../words.ts'
import { wantedBy, type Wanted } from './wanted.ts'

export interface Question {
  /** What is asked for by its words, as they are written, each with its weight. Of "vegan|vegetarian" one is enough. */
  readonly words: ReadonlyMap<string, number>
  readonly wanted: Wanted | null
  /** It asks about its user: where nothing answers it, it was not told. */
  readonly isOwn: boolean
  /** It asks of something that both know: "the meeting", "her birthday", or a few words without a verb. */
  readonly isDefinite: boolean
  /** Lower-case words of the question. */
  readonly known: ReadonlySet<string>
  /** The noun that says what the answer is: "ring size" of "what's my wife's ring size?". */
  readonly focus: readonly string[]
  /** "Festival" of "what festival am I going to?": one is asked for, which has to be named; null where none is. */
  readonly which: string | null
  /** Words with a capital, in lower case. */
  readonly names: ReadonlySet<string>
  /** "Harvest" of "when do we harvest the tomatoes?", in lower case; null where none is known. */
  readonly verb: string | null
}

const LEAD =
  /^(?:(?:hey|hi|hello|ok|okay|so|and|but|btw|by the way|also|um|oh|well|please|pls|kindly|yo|uh+|er+m?|eh|ah|right|listen|quick question|sorry|wait|hmm|remind me|tell me(?: again)?|let me know|(?:do|did|can|could|would) (?:you|u)(?: (?:still|happen to|maybe|please))*(?: remember| recall| know| tell me| remind me| say)|i forgot|i can'?t remember|any idea|what did i (?:say|tell you)(?: about)?)[\s,.:;!–—-]+)+/iu
const ASKING =
  /^(?:(?:at|on|in|until|till|since|for|from|with|to|by|about|of) )?(?:what|whats|which|who|whos|whom|whose|when|whens|where|wheres|whereabouts|how|hows|any)\b|^(?:am|is|are|was|were|do|does|did|have|has|had) (?:i|we)\b|^(?:am|is|are|was|were|do|does|did|have|has) (?:my|our|the)\b/iu
/** "I'm fine, and you?" */
const STATING = /^(?:i|i'm|i've|i'd|we|we're|it|it's|that|that's|you|you're|he|she|they|this|there|and you)\b/iu
/** "Am I vegan or vegetarian?" */
const EITHER = /^(?:am|is|are|do|does|was) .*?\b(?<one>\p{L}+) or (?<other>\p{L}+)/iu
const FIRST_PERSON = /\b(?:i|i'?m|i'?ve|me|my|mine|we|we'?re|our|ours|us)\b/iu
/** "How long is she staying?", "what was grandad's ship called?": of somebody whom the user has told of. */
const OF_SOMEBODY =
  /^(?:what|when|where|which|who|whose|how|is|are|was|were|does|do|did|has|have)\b.*\b(?:she|he|her|his|him)\b/iu
const KIN =
  /\b(?:mum|mom|dad|mummy|daddy|gran|granny|grandma|grandad|granddad|grandpa|nan|nana|auntie|aunt|uncle)\b(?! (?:do|does|always|usually)\b)/iu
const asksOfKin = (question: string): boolean => OF_SOMEBODY.test(question) || KIN.test(question)

/** What is asked for is to be thought of, not to be remembered. */
const OF_THE_WORLD =
  /^(?:how (?:do(?! (?:i|you|we|u) (?:write|spell|pronounce|say)\b.*\b(?:my|our)\b)|can|should|could|would|to|about)\b|(?:what|which|where|when|who|how) (?:should|can(?!'?t)|could|would|might|shall|else)\b(?! (?:the|my|our|his|her)\b)(?<!\b(?:when|where|who) would(?= i find))(?<!\bwhere (?:should|can)(?= \S+ (?:look|find)\b.*\b(?:my|our|the)\b))(?<!\bwhen can(?= (?:i|we) (?:pick|collect|get|fetch)\b))|why\b(?! (?:did|was|were|had)(?:n'?t)? )|should\b|can\b|could\b|may\b|would\b|will (?:it|you)\b|what (?:if|about)\b|what (?:do|does|did|are|can|will) (?:you|u)\b|(?:who|what|how|where) (?:are|r) (?:you|u)\b|how (?:long|much|many) (?:does|do|will|would) (?:it|a|an|one|you)\b|what(?:'?s| is| are)? (?:up|new|wrong|the (?:best(?! friend)|meaning|difference|point|use|capital|weather))|(?:do|are|were|is|does|did|have|has) (?:you|u|it|this|that|there)\b)/iu

/** "Who are you?", "what's your name?": of the assistant, whatever its user told. */
const OF_ASSISTANT =
  /^(?:who|what|how|how old|where|when|which \p{L}+)(?:'?s|'?re| is| are| r| do| did| were| was) (?:you|u|your \p{L}+)(?: (?!know|remember|recall|think|have|call|mean|say|said|tell|told|find|suggest|recommend|got)\p{L}+){0,3}$/iu

/** Whether a message asks the assistant about itself. */
export function isOfAssistant(message: string): boolean {
  return asksAssistant(bareOf(message.trim().replaceAll(/[’‘`´]/gu, "'")))
}

const asksAssistant = (bare: string): boolean => OF_ASSISTANT.test(bare) && !FIRST_PERSON.test(bare)

/** A question without what leads to it and its mark. */
const bareOf = (question: string): string => question.replace(LEAD, '').replaceAll(/\?+\s*$/gu, '')

/**
 * "What's the podcast?": a thing that both know, with nothing that says which one. There is only one sun, which was not told.
 */
const OF_BOTH =
  /^(?:what|which|when|where|who)(?:'?s| is| are| was) the (?!(?:best(?! friend)|meaning|difference|point|use|capital|weather|time|date|day|news|matter|problem|answer|question|sun|moon|earth|world|sky|universe|internet|web|president|pope|king|queen|prime|government|economy|stock|law|definition|word|speed|population|height|distance|square|sum|first|last|most)\b)(?!(?:\p{L}+ )*\p{L}+(?<!gu|b)est )[\p{Ll}'-]+(?: [\p{Ll}'-]+){0,3}$/u
/** "When does the plumber come?": one of the people that somebody has. */
const OF_SOMEBODYS =
  /^(?:when|where|what time|what day|which day|what) (?:is|does|do|did|was) the (?<who>\p{Ll}+) (?:\p{Ll}+)(?: \p{Ll}+)?$/u

function isOfBoth(question: string): boolean {
  const bare = `${question.charAt(0).toLowerCase()}${question.slice(1)}`
  return OF_BOTH.test(bare) || isBeingWord(OF_SOMEBODYS.exec(bare)?.groups?.['who'] ?? '')
}

/** Words that name the kind of an answer and are seldom in it. */
const KINDS: ReadonlySet<string> = new Set(
  `time day date name number kind type sort thing place way year month word amount long much many old often last again
  exactly now today currently really happen tell told mention say said know remember first real full digit digits details handed go`
    .split(/\s+/)
    .map(stem),
)
const WEIGHT = { named: 1, asked: 0.5, light: 0.5, kind: 0.25 } as const
/** "Which team", "what drink": the answer is one, and need not say so. */
const ASKED_KIND = /^(?:what|which)(?: kind of| sort of| type of)? (?<noun>\p{L}+)\s+(?!is\b|are\b|'s)(?:\p{L}+)/iu
/** Words of taste and use: what is liked is told in many other ways. */
const LIGHT: ReadonlySet<string> = new Set(
  'favorite favourite best like love prefer use want need take own'.split(' ').map(stem),
)
const VERB_BEFORE_KIND = /^(?:what|which) \p{L}+(?: \p{L}+)? (?:is|are|was|were)\b/iu

/**
 * Null where a message asks nothing that could have been told. `isAsked`: it is known to ask for something of its user; `mayBeOfWorld`:
 * what others would look up or think of is read too ("who can let me in?").
 */
export function readQuestion(message: string, isAsked = false, mayBeOfWorld = false): Question | null {
  const text = message
    .replaceAll(/[’‘`´]/gu, "'")
    .trim()
    .replace(OF_ANOTHER, '')
  if (TASK.test(text)) return null
  const asked = asksByNoun(text) ? text.replace(NEEDED, '') : (lastQuestion(text) ?? (isAsked ? text : null))
  if (asked === null) return null
  const bare = bareOf(asked)
  if (!isAsked && asksAssistant(bare)) return null
  const names = namesIn(bare)
  const isWorld = OF_THE_WORLD.test(bare) && !/\b(?:did i|do i|have i|i told|wrong with (?:my|our|the))\b/iu.test(bare)
  // Who was told of may have a name.
  if (isWorld && !isAsked && names.size === 0 && !mayBeOfWorld) return null
  const kind = VERB_BEFORE_KIND.test(bare) ? undefined : ASKED_KIND.exec(bare)?.groups?.['noun']?.toLowerCase()
  const words = weighted(bare, kind)
  const known = new Set(bare.toLowerCase().match(/[\p{L}\p{N}]+/gu))
  return {
    words,
    wanted: wantedBy(bare) ?? kindOf(focusOf(bare)),
    isOwn:
      isAsked || FIRST_PERSON.test(bare) || asksOfKin(bare) || /\bi (?:told|gave)\b/iu.test(asked) || isOfBoth(bare),
    isDefinite: /\b(?:the|my|our|his|her|their|this|that)\b/iu.test(bare) || !ASKING.test(bare),
    known,
    focus: focusOf(bare),
    which: WHICH.exec(bare)?.groups?.['noun']?.toLowerCase() ?? null,
    names,
    verb: verbOf(bare),
  }
}

/** "What's my ring size", "which university do I go to", "alarm code for the house": the noun before what it belongs to. */
const FOCUS =
  /^(?:(?:at|on|in|until|till|since|for|from|with|to|by|about|of) )?(?:(?:what|which|how many)(?:'?s| is| are| was| were)?\s+)?(?:(?:the|my|our|his|her|their|a|an)\s+)?(?:(?:\p{L}+'s|new|old|last|first|next|current|favou?rite|best)\s+)*(?:(?:kind|type|sort|name) of (?:the |my |our )?)?(?<noun>(?:\p{L}[\p{L}-]*\s+){0,2}?\p{L}[\p{L}-]*)(?=\s+(?:of|for|on|in|at|with|from|to|about|by|under|before|after|between|until|during|again|now|pls|please|did|do|does|is|are|am|was|were|will|would|can|could|should|have|has|had|must|might|that|who|which|when|where|i|we|my|our|the|he|she|they|[\p{L}]+s)\b|[\s,.!]*$)/iu

const WHICH =
  /^(?:(?:at|on|in|for|from|with|to|by|about|of) )?(?:what|which) (?:[\p{L}-]+ )?(?<noun>(?!one\b|of\b|day\b|time\b)[\p{L}-]+)(?= (?:am|is|are|was|were|do|does|did|will|would|can|could|should|have|has|had)\b)/iu

function focusOf(question: string): string[] {
  if (/^(?:who|whom|whose|when|where|why|how(?! many)|what'?s? (?:do|does|did|am|have|has|will)\b)/iu.test(question))
    return []
  const noun = FOCUS.exec(question)?.groups?.['noun'] ?? ''
  return wordsOf(noun)
    .filter((word) => !isCommon(word) && word !== 'called')
    .slice(-2)
}

/** "My bed time", "the moving day" */
function kindOf(focus: readonly string[]): Wanted | null {
  const head = focus.length > 1 ? focus.at(-1) : undefined
  if (head === 'time') return 'clock'
  return head === 'day' || head === 'date' ? 'time' : null
}

const VERB =
  /\b(?:do|does|did|will|would|can|could|should|must|have|has|had|am|is|are|was|were)(?:n't)? (?:i|we|you|he|she|it|they|(?:my|our|the|his|her|their) (?:[\p{L}'-]+ ){0,1}?[\p{L}'-]+|\p{Lu}[\p{L}'-]+) (?:(?:still|always|usually|also|have to|need to|want to|going to|supposed to|gonna) )?(?<verb>[\p{L}]{3,})/u

function verbOf(question: string): string | null {
  const verb = VERB.exec(question)?.groups?.['verb']?.toLowerCase()
  return verb === undefined || isCommon(verb) ? null : verb
}

function namesIn(question: string): ReadonlySet<string> {
  const found = [...question.matchAll(/(?<=\s)\p{Lu}[\p{L}\p{M}'-]*/gu)].map(([word]) => word)
  return new Set(found.filter((word) => !/^I(?:'|$)/u.test(word)).flatMap(wordsOf))
}

/** The words of a question, and what each counts: the heaviest kind of word that it has counts in full. */
function weighted(question: string, kind: string | undefined): ReadonlyMap<string, number> {
  const either = EITHER.exec(question)?.groups
  const sides = [either?.['one'], either?.['other']].map((side) => side?.toLowerCase())
  const words = searchWords(question).filter((word) => !sides.includes(word))
  const classes = words.map((word) => classOf(word, kind))
  const most = (['named', 'asked', 'kind', 'light'] as const).find((one) => classes.includes(one))
  const isEither = either !== undefined
  const weightOf = (one: WordClass): number => (one === most && !isEither ? 1 : WEIGHT[one])
  const weights = words.map((word, at) => [word, weightOf(classes[at]!)] as const)
  return new Map(isEither ? [...weights, [sides.join('|'), 1]] : weights)
}

type WordClass = 'named' | 'asked' | 'kind' | 'light'

function classOf(word: string, kind: string | undefined): WordClass {
  if (KINDS.has(stem(word))) return 'kind'
  if (word === kind) return 'asked'
  return LIGHT.has(stem(word)) ? 'light' : 'named'
}

/** "The pharmacist wants to know what I react to" */
const OF_ANOTHER =
  /^(?:(?:so|ok|hey|and),? )?(?:(?:the|my|our|his|her|a|some|\p{L}+'s) )?(?:\p{L}+ ){1,3}(?:wants?|needs?|would like|is asking|are asking|asks?|asked)(?: me)?(?: to know)? (?=(?:what|which|who|where|when|how)\b)/iu
/** What is to be done with a text or worked out asks for nothing that was told. */
const TASK =
  /^(?:(?:please|pls|kindly|sir|can you|could you|hey|ok|now)[\s,]+)*(?:translate|explain|define|summari[sz]e|proofread|rewrite|rephrase|paraphrase|convert|calculate|compute|solve|compose)\b/iu
const NEEDED = /^(?:(?:i )?need|looking for|what about) /iu
/** "My fav film is what" */
const ASKED_LAST = /^(?<of>.+) (?<verb>is|are|was|were) (?<what>what|who|where|when|which)(?: again)?$/iu
/** "Skate tool where", "little brother's birthday when" */
const ASKED_BARE =
  /^(?<of>(?!i\b|you\b|just\b|no\b|so\b)(?:[\p{L}\p{N}'-]+ ){1,5})(?<what>who|where|when)(?: again)?[?.!]*$/iu

/** The last sentence that asks; a message of a few words without a verb asks too, with its question mark or a "please". */
function lastQuestion(text: string): string | null {
  const sentences = text.match(/[^?!.\n]+[?!.]*/gu) ?? []
  const asking = sentences
    .map((sentence) =>
      askingFirst(sentence.trim().replace(ASKED_LAST, '$<what> $<verb> $<of>').replace(ASKED_BARE, '$<what> is $<of>')),
    )
    .filter((sentence) => {
      const bare = sentence.replace(LEAD, '')
      const isLed = ASKED_FOR.test(sentence.slice(0, sentence.length - bare.length))
      const isWanted = WANTED.test(bare) && !SAYS_SO.test(bare)
      return ASKING.test(bare) || isLed || isWanted || (sentence.endsWith('?') && !STATING.test(bare))
    })
  return asking.find((sentence) => ASKING.test(sentence.replace(LEAD, ''))) ?? asking.at(-1) ?? null
}

/** "Insulin pens, where are they?": the part that asks stands first. */
function askingFirst(sentence: string): string {
  const parts = sentence.split(/,\s+|\s+(?=(?:where|when|who|what|which)(?:'?s| is| are)\b)/iu)
  const at = parts.findIndex((part) => ASKING.test(part.replace(LEAD, '')))
  if (at <= 0 || STATED.test(parts[0]!)) return sentence
  // "Oskar who is nine and Felix who is six"
  if (!/\?\s*$/u.test(sentence) && wordsOf(parts.slice(0, at).join(' ')).length > NAMED_FIRST) return sentence
  const end = /[?!.]+$/u.exec(sentence)?.[0] ?? ''
  return `${[...parts.slice(at), ...parts.slice(0, at)].join(' ').replaceAll(/[?!.]+/gu, '')}${end}`
}

/** "The key to the shed, where is it": so many words may stand before what asks. */
const NAMED_FIRST = 6

/** "Did I tell you where ...", "I know what ...": what follows belongs to it. */
const STATED =
  /\b(?:know|knew|tell|told|see|saw|forgot|forget|remember|remind|recall|wonder|sure|idea|say|said|asked?)(?: me| you)?(?: again)?$/iu
const ASKED_FOR = /\b(?:remind me|tell me|remember|recall|give me|forgot)\b/iu
/** "The bus is late again" */
const SAYS_SO =
  /\b(?:is|are|am|was|were|has|have|had|\p{L}+ed|lost|got|went|came|did|broke|left|forgot)\b|['’](?:s|re|m) \p{L}+ing\b/iu
/** "Locker combination pls" */
const WANTED =
  /^(?!(?:translate|write|give|make|tell|show|help|explain|stop|be|do|don'?t|can|could|please)\b)(?:[\p{L}'-]+ ){1,5}(?:pls|please|plz|again)[\s.!]*$/iu
