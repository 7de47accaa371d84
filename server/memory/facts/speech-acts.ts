/** What a sentence does: tell, ask, request, or nothing but talk. */
import { isKnownWord, rarityOf } from '../recall/word-vectors.ts'
import { typedValues } from './typed-values.ts'

const POLITE =
  '(?:(?:please to|kindly|sir|madam|please|pls|plz|hey|hi|ok|okay|so|now|and|then|also|well|do the needful and)[\\s,]+)*'
const REQUEST = new RegExp(
  `^${POLITE}(?:(?:can|could|would|will) (?:you|u) (?!(?:please |pls |kindly |just )*(?:remember|note|keep in mind|save|store|memori|forget|delete|erase|remove|wipe))|i (?:want|need|would like|'d like) you to (?!remember|know|note|keep|save|forget)|(?:write (?!(?:this|that|it) down|down|.*@)|translate|summari[sz]e|explain|give (?!me (?:an? |some )?[^?]{2,40} any (?:day|time)\\b)|tell (?!(?:them|her|him|everyone|everybody|mum|mom|dad)\\b)|show (?!(?:got|is|was|starts|at|on|moved|\\d+)\\b)|list|describe|help|make me|make a(?!n? note)|make up|make (?:that|it|this)(?: [^\\s,;]+){0,2} (?:more|less|shorter|longer|simpler|\\p{L}{3,}er)(?! than)|create|generate|draft|compose|rewrite|rephrase|correct|fix|check (?!(?:in|out) (?:is|at|from|by|noon)\\b|ups?\\b)|find|suggest|recommend|compare|calculate|compute|convert|imagine|pretend|suppose|assume|act|let's|let us|draw|plan (?!changed?\\b|is\\b|was\\b|b\\b)|define|solve|continue|finish|complete|play|sing|read|analy[sz]e|proofread|improve|shorten|expand|come up|design (?!reviews?\\b|meetings?\\b|team\\b)|build|implement|count|name (?!of|is|:|=|for|on|tag|badge|to remember)|think of|say |repeat (?!prescriptions?\\b|in a\\b)|consider|use (?!.*@|\\S+(?: \\S+){0,3} (?:for|as) (?:the|my|our)\\s|\\S+ from now)|respond|reply|answer|teach|recite|invent|brainstorm|outline|choose|pick (?!up\\b)|remind (?!me (?:that |about )?(?:my|our|i|the|we)\\b.*(?: is | are | have | has |'s |:))|guess (?!what\\b)|prove|debug|refactor|review (?!(?:with|went|by|on|at|is|was|rejected|meeting)\\b)|paraphrase|edit (?!:)|be |do (?:not|n't)? ?(?!not remember|not forget|not keep|not store|not save)|look up|search|google)(?=\\s|\\b)(?!['’]s\\b|-\\p{L}))`,
  'iu',
)
const WANTING =
  /^(?:i(?:'m| am)? (?:looking for|searching for|trying to|wondering|thinking (?:of|about)|going to|gonna|about to)|i (?:need|want|would like|wanna)\b|i'd (?:like|love)\b(?! you to know)|i was wondering|help\b)/iu
/** Of what people want, that which is asked of whom they write to. */
const WANTED_OF_ASSISTANT =
  /\b(?:you|your|help|recipes?|ideas?|advice|suggestions?|tips?|info|information|poem|story|essay|text|code|script|function|regex|joke|list|translation|summary|question|answer|know|understand|understanding|looking for|searching for|wondering|explanation|example)\b/iu
const ASKING =
  /^(?:since when|what(?! (?:i|we) \p{L})|whats|what's|who|whos|who's|whom|whose|when|where|wheres|why|how|hows|which(?! (?:means|explains|makes)\b)|do|does|did|is|are|am|was|were|will|would|can(?!['’]s\b)|could|should|shall|has|have|had|may(?! (?:\d|next|last|morning))|might|any idea|do you|don't you|isn't|aren't)(?=[\s']|$)(?!'t stand)/iu
const IMPLICIT_SUBJECT =
  /^(?:have (?:been|got|moved|had|just|a |an |two|three)|had (?:to|the|my|our|an?|two|three|some|it)|did (?:an? |it )|was (?:wrong|mistaken|meant|supposed|given|told|born|raised|diagnosed|round|in|at|on|an? .+,.*)|will be|was (?:with|discharged|my)|were (?:in|at|on|off|playing|staying)|did (?:\d|about|the (?:whole|first|last))|(?:can|could|should|would|will|has|have) (?:do|get|have|just|only|still|manage|play|read|hear|hatch|pay|take|leave|open|cancel|come|go|to be)|should be)\b/iu
/** "Have set up a standing order", "can't eat nuts": who does so is left out. */
const NO_SUBJECT =
  /^(?:(?:have|has|had)(?:n't)? (?!(?:a good|good|fun|to (?:go|run|dash|say|be|admit)|i|you|u|we|he|she|it|they|the|my|our|your|his|her|their|this|that|these|those|there|any\p{L}*|some\p{L}+|no ?one)\b)|(?:can't|couldn't|don't|didn't|haven't|hasn't|wasn't|won't) (?!(?:i|you|u|we|he|she|it|they|the|my|our|your|this|that|there)\b))\p{Ll}/u
/** "What a day, the vet says Mirabelle needs drops" */
const EXCLAIMING = /^what a [^,]{2,20}, \S+ \S+ \S/iu
/** "Will is with the lawyer" */
const NAMED_WILL = /^Will (?:is|was|has|and)\b/u
/** "When I'm anxious I count in Welsh" */
const WHENEVER = /^when (?:i|i'm|we|we're|he|he's|she|she's|it|it's|they)\b.+(?:,|\b(?:i|we|he|she|it|they)\b) ?\S/iu

export function isRequest(words: string): boolean {
  const text = words.trimStart().replace(TO_KEEP, '').replace(TELLING_ON, '')
  return REQUEST.test(text) || WANTING.test(text.replace(GREETING, ''))
}

/** "Could you note I sign as Wren", "please be aware that I am moving": what follows is told. */
const TO_KEEP =
  /^(?:(?:hey|hi|hello|ok|okay|so|and|good (?:morning|evening|afternoon))[\s,.!]+)*(?:(?:(?:can|could|would|will) (?:you|u) (?:please |pls )?|(?:i )?(?:want|need|would like|'d like|i'd like) you to )(?:note(?: down)?|remember(?=[:,]| that\b|.*\d)|(?<=you to )remember|keep(?: in mind)?|save|store|hold on to this|bear in mind)(?: (?:that|this))?|(?:please |pls |(?:can|could|would|will) (?:you|u) )?remind me(?: pls| please)? that|(?:please )?be (?:aware|advised|informed|warned)(?: that)?|it may interest you(?: to know)?(?: that)?|(?:can|could) (?:you|u) believe(?: it| this)?)[\s,:]+(?!(?:what|who|when|where|which|why|how|if|any\p{L}*|some\p{L}*|things|stuff|a|it|this|that|the (?:name|last)|all|me)\b)(?=\S+ \S+ [^?]+$)/iu

/** "Tell you what, I'd never taken a plane", "guess who's the fire warden", "remind me later: ...", "check-out is at 11" ask for nothing. */
const TELLING_ON =
  /^(?:(?:hey|hi|ok|okay|so|and)[\s,]+)*(?:(?:i'?ll )?tell (?:you|u|ya) (?:what|something)\b|guess (?:who|where|when)(?:'s| is| i|\b(?= \S+ \S+ \S+))|remind me(?: later)?:|check-(?:in|out)\b(?= (?:is|was|at|time))|name days?\b|would (?:you|u) believe(?: it)?(?=[\s,]+\S+ \S+ \S+ [^?]+$))[\s,:]*/iu

const GREETING = /^(?:(?:hey|hi|hello|ok|okay|so|and|but|btw|well|please)[\s,.!]+)+/iu

/** "I want to go to Patagonia": a plan, which is told and not asked for. */
export function isPlan(words: string): boolean {
  return (
    WANTING.test(words.trimStart().replace(GREETING, '')) &&
    !WANTED_OF_ASSISTANT.test(words) &&
    !words.trimEnd().endsWith('?')
  )
}

export function isQuestion(words: string): boolean {
  const text = words
    .replace(/^(?:(?:and|so|but|hey|ok|okay|btw|also|oh|well|hi|please|wait|sorry)[\s,]+){1,4}/iu, '')
    .trimEnd()
  if (text.endsWith('?')) return true
  if (
    /^when it comes to\b/iu.test(text) ||
    [EXCLAIMING, NAMED_WILL, TELLING_ON, TO_KEEP].some((form) => form.test(text))
  )
    return false
  const bare = `${text.charAt(0).toLowerCase()}${text.slice(1)}`.replaceAll('’', "'")
  return ASKING.test(text) && ![IMPLICIT_SUBJECT, NO_SUBJECT, WHENEVER].some((form) => form.test(bare))
}

const ANSWER_NOUN =
  '(?:names?(?= of)|dates?(?= (?:of|for))|number|no\\.?|nr\\.?|code|pin|password|passcode|passphrase|phone|mobile|e-?mail|address|postcode|zip|size|dose|dosage|combination|combo|plate|iban|extension|ext|login|username|surname|deadline|birthday|wifi|ssid|serial)'
/** "Yard gate code", "name of our ferret", "need my trailer no. for the gate guy": the name of something is asked for by itself. */
const NOUN_ALONE = new RegExp(
  `^(?:(?:i )?need |looking for |what about )?(?!(?:new|nice|good|great|lovely|cool|wrong|no|same|another)\\b)(?:(?:the|my|our) )?(?:[\\p{L}'’-]+ ){0,4}?${ANSWER_NOUN}(?: (?:of|for|to|at|in|on|from)(?: [\\p{L}'’-]+){1,5})?(?: (?:again|please|pls|plz|now))*[\\s.!]*$`,
  'iu',
)
const HAS_VERB =
  /^(?:i'?m|we're|(?:i )?(?:can't|cannot|won't|don't))\b|\b(?:is|are|was|were|am|has|have|had|isn't|aren't|changed|lost|forgot|forget|hate|love|like|got|get|set|use|uses|reset|expired|wrote|gave|give|sent|send|works?|broke|make|write|explain|translate|check|fix|it|this|that|you|your)\b|['’](?:s|re|m) (?:\p{L}+ed|\p{L}+ing|not|in|on|at)\b/iu

/** Whether a whole message is the name of what it asks for. */
export function asksByNoun(message: string): boolean {
  const text = message.trim()
  return NOUN_ALONE.test(text) && !HAS_VERB.test(text)
}

/** What is said to whom one writes to, or about the moment, and nothing of the user. */
const TO_ASSISTANT = /\b(?:you|your|you're|you've|you'll|u|ur|yours)\b/iu
const KNOWING =
  /\b\p{L}+ if (?:you|u) (?:want|like|must)\b|\b(?:if|when|unless|until) (?:you|u) (?!(?:are|could|can|say|said|ask|put|want|like|please|mean|think)\b)|\b(?:you|u)(?:'ve got to| have to)(?! (?:answer|reply|help|be|stop|speak|talk|write|say|use|tell|give|make|explain|listen|remember|know|ask)\b)|\b(?:so|as|if|did|do|would|in case) (?:you|u) (?:know|knew|wonder\p{L}*|need\p{L}*|forget|asked?|believe)\b|\b(?:you|u) (?:know|see)\b|\bi (?:told|gave|said to) (?:you|u)\b|\bmind you\b|\b(?:how|as|what|than) you(?:'d| would) (?:think|expect|believe)\b|\b(?:you won't|would you) believe\b|\bwhere you(?:'ll)? find\b|\bbring (?:your|ur) own\b|\byou (?:get|turn|take|press|push|pull|lift|wind|put|lock|open|start|switch) (?:it|the|them|that|in|on|off|to|with|at|from)\b/giu
/** "The nursery charges you if you are late": "you" is anybody, and not the assistant, late in a sentence that does not begin as talk does. */
const ANYBODY =
  /^(?!(?:i|i['’]?m|i['’]?ve|i['’]?d|i['’]?ll|im|just|thanks?|ok|okay|hope|glad|nice|good|great|sorry|lol|haha+|hey|hi|hello|yo|do|are|can|could|would|will|what|how|why|who|have|was|did|is|you|u|your|wish|bet|love|miss|well|honestly|wow|so|no|yes|yeah|nah|oh|aw+|please|pls|but|and|if|it['’]?s|that['’]?s|thats|not|must|may|might|don['’]?t|let|only|when|ask|tell|sounds?|say|guess|right|like|bless|fair|even|never|always|seems?|of course|my|mate|man|bro|dude|friend|ignore|come|go|open|break|estimate|any|any\p{L}+|those|gud|from|alexa|chatgpt|xbox|for a)\b)(?:\S+ ){4,}\S*\b(?:you|your|you['’]?re|you['’]?ve|you['’]?ll|u|ur)\b(?=,? \S+ \S)/iu
const isToAssistant = (text: string): boolean => TO_ASSISTANT.test(text) && !ANYBODY.test(text)
const OF_USER =
  /\b(?:my|mine|our|i'?m|i am|i have|i'?ve|i live|i work|i (?:eat|take|use|drive|go|prefer|play|study|speak|signed|got|bought|chose|picked|moved|switched|shifted|joined|quit|started|stopped|went)|call me|we)\b/iu
const MOMENT =
  /^(?:(?:ugh|lol|haha+|hmm+|meh|yay|omg|wow|argh|bored)\b|kindly|please to|stop|good (?:morning|evening|night|afternoon)|happy|hope)|\b(?:traffic|weather|sunset|sunny|raining|snowing|made me laugh)\b/iu

const SMALL_TALK =
  /^(?:(?:i'?m|im|i am|we're) (?:so |very |really |just |a bit |pretty |not |all |doing |feeling |still )*(?:fine|good|ok|okay|great|well|tired|back|bored|sorry|sure|here|there|done|ready|happy|glad|kidding|joking|curious|confused|excited|sleepy|hungry|off(?= (?:to|now)\b|\W*$)|out|on my way|lost|busy|alright|impressed)\b.*|i (?:see|know|understand|agree|guess(?: so)?|think so.*|hope so|don'?t know.*|dunno|get it|am|love (?:it|that|this|you).*|like (?:it|that|this|your).*)|thank.*|thanks.*|you(?:'re| are) .*|that(?:'s| is| was| sounds)(?! (?:about |nearly |around )?\d| (?:\p{L}+ )*(?:for|at|in|on|from|until|till|every|next|each)\b.+\S{3}).*|what a .*|(?:good|happy|merry|nice|lovely|great) (?!.*[:;] \S+ \S+ \S).*|my (?:bad\W*|goodness.*|god\b.*)|never ?mind.*|forget it.*|hi|hey.*|hello.*|bye.*|see you.*|ok\b.*|okay\b.*|cool\b.*|ha(?:ha)+.*|lol\b.*|it'?s (?:fine|ok|okay|all good|nothing).*|no (?:worries|problem).*|let me .*|sorry.*|wow.*|oh .{0,12}|have a .*)$/iu

/** Before a sentence they say nothing of what it tells. */
const INTERJECTIONS =
  /^(?:(?:hey|hi|hello|lol|haha+|ok|okay|so|oh|wow|cool|well|sorry|(?:many )?thanks(?: a (?:million|lot|bunch|ton)| so much| very much| indeed| again)?|thank you(?: (?:so|very) much)?|btw|quick thing|by the way|(?:good|great|bad) (?:news|week)|guess what|promoted)(?: there)?[\s,.!:–-]+)+(?=\S+ \S+ \S)/iu

/** "Four hives." */
const COUNTED = /^(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\d+) \p{L}{3,}/iu

/** "Fridays now", "coach F", "0.6 ml": two words that tell something. */
function hasValue(text: string): boolean {
  if (MOMENT.test(text)) return false
  return (
    IS_NOW.test(text) ||
    CODE.test(text) ||
    typedValues(text).some(({ kind, text: value }) => kind !== 'name' || value.length === 1)
  )
}

/** "Purple now." */
const IS_NOW =
  /^(?:red|orange|yellow|green|blue|purple|violet|pink|brown|black|white|gr[ae]y|silver|gold|beige|cream|turquoise|teal|navy|maroon|crimson|lilac|burgundy|olive|mint|khaki) now\W*$/iu
/** A word of letters and digits is a code. */
const CODE =
  /(?<!\S)(?=\S*\d)(?=\S*\p{L})(?!\d+(?:s|st|nd|rd|th|km|kg|cm|mm|ml|mg|am|pm|min|mins|hrs|\p{L}{4,})$)[\p{L}\d_-]{5,}$/u

/** "My bad, 74", "typo: Kowalczyk", "paintball*": what follows is told, however short it is. */
const CORRECTING =
  /^(?:(?:(?:oh |ah |no,? )?my bad|typo|correction|spelling|i meant?|meant)\b[\s,.:;!–-]*(?=[\p{L}\p{N}])|sorry[\s,]+(?=(?:\S+ ){0,2}\S*\d))/iu
const STARRED = /^(?:\*\s?[\p{L}\p{N}].{0,40}|.{0,40}[\p{L}\p{N}]\s?\*)$/u

/** What has a name is rarer than "then" and "again". */
const THING = 0.6
/** "Beko fridge": a name, and what has it. "Eldest: Jadwiga", "corgi, Nansi", "Leeds fan", "vegan btw". */
const NAMED_THING = /^(?<name>\p{Lu}[\p{L}-]{2,}) (?<thing>\p{Ll}{3,})\W*$/u
const BRIEF = [
  /^(?!(?:mood|note|ps|update|reminder|question|tip|status|warning|breaking|topic|edit|re)\b)\p{L}[\p{L}'’]+(?: \p{L}+)?: ?\p{L}{3,}/iu,
  /^\p{Ll}{3,}, \p{Lu}\p{Ll}+\W*$/u,
  /^\p{L}+ (?:fan|supporter|allergy|intolerant|handed|only)\b\W*$/iu,
  /^(?:only child|vegan|veggie|vegetarian|pescatarian|pescetarian|coeliac|celiac|diabetic|asthmatic|teetotal|halal|kosher|aries|taurus|gemini|cancer|leo|virgo|libra|scorpio|sagittarius|capricorn|aquarius|pisces)(?: (?:btw|here|now|always|tho|only))?\W*$/iu,
]
const isBrief = (text: string): boolean => {
  const { name, thing } = NAMED_THING.exec(text)?.groups ?? {}
  const isNamed =
    name !== undefined && !isKnownWord(name.toLowerCase()) && isKnownWord(thing!) && rarityOf(thing!) > THING
  return !SMALL_TALK.test(text) && (isNamed || BRIEF.some((form) => form.test(text)))
}
/** A word or two that are no saying by themselves, and no small talk either: "Cardiff!!!", "Cucumbers." */
export function isScrap(words: string): boolean {
  const text = words.trim()
  return text.split(/\s+/u).length < 3 && !MOMENT.test(text) && !SMALL_TALK.test(text) && !FILLER.test(text)
}

const FILLER =
  /^(?:yes|yeah|yep|yup|no|nope|nah|so|well|right|sure|anyway|seriously|honestly|obviously|finally|same|sigh|phew|oops|typical|old age|my fault|go figure|please|pls|xx?|amen|inshallah)\b/iu

/** "We're off to Slovenia": somewhere that has a name. */
const OFF_TO = /\boff (?:to|for|on) (?:(?:the|see|visit|a|my|our) )*\p{Lu}/u

export function isSmallTalk(words: string): boolean {
  const said = words.trim().replace(TO_KEEP, '')
  if (OFF_TO.test(said)) return false
  const corrected = said.replace(CORRECTING, '')
  if (STARRED.test(said) || (corrected !== said && !SMALL_TALK.test(corrected))) return false
  const text = said.replace(INTERJECTIONS, '')
  const count = text.split(/\s+/u).length
  if (
    !OF_USER.test(text) &&
    !/\d|\S@\S/u.test(text) &&
    (isToAssistant(text.replaceAll(KNOWING, '')) || (MOMENT.test(said) && typedValues(text).length === 0 && count < 9))
  )
    return true
  return (
    (count < 3 && !hasValue(text) && !COUNTED.test(text) && !isBrief(text)) ||
    (text.length < 80 && SMALL_TALK.test(text))
  )
}
