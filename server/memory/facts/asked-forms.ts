import type { Topic } from './fact.ts'
import { topicOf } from './noun-phrase.ts'
import { isBeing, isBeingWord, OWN_NOUNS } from './vocabulary.ts'

type Groups = Readonly<Record<string, string | undefined>>

interface AskedForm {
  readonly pattern: RegExp
  readonly topic: (groups: Groups) => Topic | undefined
}

const WHO =
  "(?<who>i|we|(?:my|our|the) [\\p{L}' -]{2,40}?|(?:mum|mom|dad|grandma|grandpa)|he|she|\\p{Lu}[\\p{L}-]{1,30})"

/** Somebody of the user's, as the subject of a topic. */
function subject(who: string | undefined): string | undefined {
  if (who === undefined || /^(?:i|we)$/iu.test(who)) return 'user'
  const topic = topicOf(who)
  const phrase = topic.subject === 'user' ? topic.attribute : `${topic.subject} ${topic.attribute}`
  return phrase === '' ||
    /^(?:he|she|the|a|it|this|that|you)$/u.test(phrase) ||
    (!/^(?:my|our|mum|mom|dad|grand)\b|^grand|^\p{Lu}/u.test(who) && !isBeing(phrase))
    ? undefined
    : phrase
}

function about(attribute: string) {
  return (groups: Groups): Topic | undefined => {
    const who = subject(groups['who'])
    return who === undefined ? undefined : { subject: who, attribute }
  }
}

function form(source: string, topic: string | ((groups: Groups) => Topic | undefined)): AskedForm {
  const full = source
    .replaceAll('WHO', WHO)
    .replaceAll('BE', "(?:'?s|'?re| is| are| am| was| were)")
    .replaceAll('DO', '(?:do|does|did|have|has|am|is|are|was|were)')
  // Node 20 wants each name of a group once: they are numbered, and read back by `groupsOf`.
  let count = 0
  const numbered = full.replaceAll(/\(\?<(who|np|own|any)>/gu, (_, name: string) => `(?<${name}_${(count += 1)}>`)
  const pattern = new RegExp(`^(?:${numbered})$`, 'iu')
  return { pattern, topic: typeof topic === 'string' ? about(topic) : topic }
}

/** The groups of a match under the names without numbers; of several ways to say it only one has matched. */
export function groupsOf(match: RegExpExecArray): Groups {
  const said = Object.entries(match.groups ?? {}).filter(([, value]) => value !== undefined)
  return Object.fromEntries(said.map(([name, value]) => [name.replace(/_\d+$/u, ''), value]))
}

function countOf(phrase: string | undefined): Topic | undefined {
  const { attribute } = topicOf(phrase ?? '')
  return attribute === '' ? undefined : { subject: 'user', attribute: `number of ${attribute}` }
}

const favorite = (groups: Groups): Topic => topicOf(`favorite ${groups['np'] ?? ''}`)
const noun = (groups: Groups): Topic | undefined => withNoun(groups['np'], groups['own'])

/** "my locker code", "the name of my dog", "Joanna's birthday" */
function withNoun(phrase: string | undefined, own: string | undefined): Topic | undefined {
  if (
    phrase === undefined ||
    /\b(?:you|your|yours|it|this|that|is|are|was|were|am|do|does|did)\b/iu.test(phrase) ||
    phrase.split(' ').length > 8
  )
    return undefined
  const topic = topicOf(phrase)
  const head = topic.attribute.split(' ').at(-1) ?? ''
  const isOwn = own !== undefined || /\b(?:my|our)\b/iu.test(phrase)
  if (isOwn)
    return isBeing(topic.attribute) && topic.subject === 'user'
      ? { subject: topic.attribute, attribute: 'name' }
      : topic
  if (/^[\p{L}-]+'s?\s/u.test(phrase) && OWN_NOUNS.has(head))
    return topic.subject === 'user' ? personal(phrase, head) : topic
  // Nothing else than the user's can be meant, and where it is not, nothing was told.
  if (
    /^(?:the )?favou?rite \p{L}+$/iu.test(phrase) ||
    /^(?:the )?[\p{L}-]+(?: [\p{L}-]+)? (?:password|passcode|passphrase|pin|code|number|network|phrase|word|tag|color|size|score|time|date)$/iu.test(
      phrase,
    )
  )
    return topic
  return /^(?:the )?(?:(?:wifi|wi-fi|alarm|garage|door|gate|locker)\b|(?:exam|meeting|appointment|interview|flight|train|wedding|reservation|booking|deadline|rehearsal)$)/iu.test(
    phrase,
  ) && OWN_NOUNS.has(head)
    ? topic
    : undefined
}

/** Of somebody who is called by name. */
function personal(phrase: string, head: string): Topic | undefined {
  const name = /^(\p{L}[\p{L}-]*)'s?\s/u.exec(phrase)?.[1]?.toLowerCase()
  if (
    name === undefined ||
    !/^(?:birthday|age|phone|number|email|address|name|job|birthdate|surname|diet|allergy|allergies|city|town)$/u.test(
      head,
    )
  )
    return undefined
  return { subject: name, attribute: topicOf(phrase.slice(name.length + 2)).attribute }
}

const called = (groups: Groups): Topic | undefined => {
  const who = subject(groups['who'] ?? groups['np'])
  return who === undefined ? undefined : { subject: who, attribute: 'name' }
}

const yesNo = (groups: Groups): Topic | undefined => {
  const topic = topicOf(groups['np'] ?? '')
  if (topic.subject !== 'user') return topic
  const last = topic.attribute.split(' ').at(-1) ?? ''
  return /^any\b/iu.test(groups['any'] ?? '') ||
    isBeingWord(last) ||
    OWN_NOUNS.has(last) ||
    /^(?:pets?|kids?|children|hobbies|siblings|car|allerg\p{L}+)$/u.test(last)
    ? topic
    : undefined
}

/** How people ask; the first that fits decides. */
export const ASKED_FORMS: readonly AskedForm[] = [
  form(
    "(?:what|who|where|when|which) did (?:i|we) (?:say|tell you|mention)(?: that)? (?<own>my |our )(?<np>[\\p{L}\\p{N}'@ -]{2,60}?)(?: (?:is|was|are|were))?",
    noun,
  ),
  form(
    "(?:at |on )?(?:what|which) (?:time|day|date)(?:'?s| is| was| does| do) (?<own>my |our )(?<np>[\\p{L}\\p{N}'@ -]{2,60}?)(?: (?:start|begin|leave|end|open|close|on|at))?",
    noun,
  ),
  form(
    "how (?:do|does|should|would|did) (?:i|we|you|u|one|people) (?:spell|pronounce|write(?= (?:my|our) [^,;.!?]*name$)|say(?= (?:my|our) [^,;.!?]*name$)) (?<own>my |our )(?<np>[\\p{L}\\p{N}'@ -]{2,60}?)",
    noun,
  ),
  form("how(?:'?s| is) (?<own>my |our )(?<np>[\\p{L}\\p{N}'@ -]{2,60}?) (?:spelled|spelt|written|pronounced)", noun),
  // "(I forgot) my deadline, what is it?"
  form(
    "(?:i (?:forgot|forget|lost|can'?t (?:remember|recall)) )?(?<own>my |our )(?<np>[\\p{L}\\p{N}'@ -]{2,60}?),? (?:what|who|when|where|how much)(?:'?s| is| was| are) (?:it|that|he|she|they)(?: again)?",
    noun,
  ),
  form(
    '(?:what|which) (?:kind of )?(?:food|dish|meal)s? (?:do|does|did) WHO (?:like|love|enjoy)(?: (?:most|best|to eat))?|what (?:do|does|did) WHO (?:like|love|enjoy) (?:to eat|eating)(?: (?:most|best))?',
    'liked food',
  ),
  form(
    "(?:where|(?:at )?(?:which|what) bank)(?:'?s| do| does)? WHO (?:bank|have (?:my|an|a bank|our) account|keep my money)(?: with| at)?",
    'bank',
  ),
  form(
    "(?:where|(?:which|what) hotel)(?: am| are|'?m|'?re)? WHO (?:staying|sleeping)(?: (?:at|in))?|(?:which|what) hotel (?:did|have|do) WHO (?:book|booked|stay in)",
    'hotel',
  ),
  form('who(?: am i|BE i| i am)', 'name'),
  form(
    "(?:what|how)(?: do| does)? (?:people|everyone|you|they|my friends) call me|what(?: am i|'?m i| i'?m| i am) called|what should you call me",
    'name',
  ),
  form('how old(?: (?:am|is|are) WHO| WHO (?:am|is|are))', 'age'),
  form(
    '(?:what|which) (?:city|town|country|place|part of town|village|neighbou?rhood)(?: (?:am|is|are|do|does))? WHO(?: (?:am|is|are))? (?:based |living )?(?:live(?:s)? )?(?:in|from|at)?',
    'home',
  ),
  form('how tall(?: (?:am|is|are) WHO| WHO (?:am|is|are))', 'height'),
  form('how much DO WHO weigh|how heavy (?:am|is) WHO', 'weight'),
  form(
    "(?:where|what city|what town)(?:'?s| is| do| does| did| am| are)? WHO (?:really |actually |currently )?(?:live|lives|living|based|located|reside|staying|move to|moved to|moved|move|am based|am living|am|am at home)(?: in| at| to)?",
    'home',
  ),
  form('(?:where|what country)(?: do| does| am| is| are)? WHO (?:come |comes |originally |am |is )*from', 'origin'),
  form('where (?:was|were|am|is) WHO born|where WHO was born', 'birthplace'),
  form('(?:when|what day|what year)(?: was| were| is| am) WHO born|when WHO was born', 'birthday'),
  form('where (?:did|do)? ?WHO (?:grow|grew) up', 'hometown'),
  form(
    "(?:where|who|what company|which company)(?:'?s| do| does| is| am)? WHO (?:work|works|working|employed|am working)(?: for| at| with)?",
    'employer',
  ),
  form(
    "what(?:'?s| do| does| is| am)? WHO (?:do|does|work as|works as|doing|working as)(?: for (?:a living|work|money))?|what (?:kind|sort|type) of (?:work|job) (?:do|does) WHO (?:do|have)",
    'job',
  ),
  form(
    "what (?:do|does|did|am|is|are)? ?WHO (?:study|studies|studied|studying|am studying|major in|majoring in)|what i'?m studying",
    'studies',
  ),
  form(
    '(?:where|which (?:uni|university|college)) (?:do|does|did|am|is) WHO (?:study|studying|go to (?:uni|university|college))',
    'university',
  ),
  form('which school DO WHO (?:go to|attend)|where DO WHO go to school', 'school'),
  form(
    "(?:(?:what|which|which foods?|what foods?)(?: (?:am|is|are|is it that))? |(?:am|is|are) )WHO(?:'m| am)? allergic to(?: anything| [\\p{L} ]{2,30})?|what (?:foods? )?(?:can'?t|cannot|shouldn'?t) WHO (?:eat|have)|what WHO can'?t eat|(?:do|does) WHO have (?:any )?(?:food )?(?:allergies|an allergy|intolerances)",
    'allergy',
  ),
  form(
    '(?:am|is) WHO (?:an? )?(?:vegan|vegetarian|pescatarian)|(?:do|does) WHO eat (?:meat|fish|pork)|(?:what|how)(?: kind of (?:food|diet))? DO WHO (?:eat|follow)',
    'diet',
  ),
  form(
    '(?:what|which)(?: kind of| sort of| type of| make of)?(?: car)? DO WHO drive|what (?:car|kind of car) WHO drive|(?:what|which) car DO WHO (?:have|own)',
    'car',
  ),
  form(
    "who(?:'?m)? ?(?:am|is|are)? ?WHO (?:am )?(?:(?:married|engaged) to|dating|seeing|(?:together )?with)",
    (groups) => called({ who: subject(groups['who']) === 'user' ? 'my spouse' : `${groups['who'] ?? ''} spouse` }),
  ),
  form(
    '(?:which|what) (?:football |soccer )?(?:team|club) (?:do|does) WHO support|who (?:do|does) WHO support',
    'team',
  ),
  form('(?:which|what|how many) languages? (?:do|does|can) WHO speak(?: at home)?|what WHO speak', 'languages'),
  form('(?:which|what) (?:musical )?instruments?(?: do| does| can)? WHO play', 'instrument'),
  form('(?:which|what) (?:language )?(?:am|is) WHO learning', 'learning'),
  form(
    "where(?:'?s| is| did| have| do| was) (?:my |our |i |we )(?:car |van |bike |park )*(?:parked|park|my car|the car)(?: my car| the car)?|where (?:i|we) parked(?: my car| the car| the van)?|where(?:'?s| is) (?:my|the) (?:car|van)",
    () => ({ subject: 'user', attribute: 'parking' }),
  ),
  form(
    "where (?:did|do|have)? ?(?:i|we) (?:put|leave|left|keep|kept|hide|hid|store|stored|stash|stashed) (?<own>my|the|our) (?<np>[\\p{L}' -]{2,40})",
    noun,
  ),
  form(
    "(?:what|which)(?:'?s| is)? (?<np>[\\p{L} -]{2,40}?) (?:do|does|did)? ?(?:i|we) (?:like|love|prefer|enjoy)(?: (?:the )?(?:best|most))?",
    favorite,
  ),
  form('what (?:do|does|did) (?:i|we) (?:like|love|enjoy)(?: (?:to eat|eating|most|doing|best))?', 'likes'),
  form(
    "what (?:do|does|did)? ?(?:i|we) (?:hate|dislike|not like)(?: (?:most|the most))?|what (?:can'?t|don'?t) (?:i|we) (?:stand|like)",
    'dislikes',
  ),
  form('what (?:do|does|did)? ?WHO (?:hate|dislike|hates|dislikes)(?: (?:most|the most))?', 'dislikes'),
  form(
    'what (?:do|does|did)? ?WHO (?:like|love|enjoy|likes|loves|enjoys)(?: (?:most|the most|best|to do|doing|to eat))?',
    'likes',
  ),
  form(
    '(?:what|which)(?: kind of| sort of)? (?:music|food|films|movies|books|sports?|things|stuff) (?:am|is|are) WHO (?:into|fond of)',
    'likes',
  ),
  form('(?:do|does|did) WHO (?:like|love|enjoy) (?<np>.{2,60})', 'likes'),
  form('what (?:am|is) WHO (?:afraid|scared|terrified) of', 'fear'),
  form('what (?:do|does) WHO collect', 'collection'),
  form(
    '(?:what|which) (?:medication|medicine|meds|pills|drugs)? ?(?:do|does|am|is) WHO (?:take|have to take|on|taking|need to take).*|(?:what|which) (?:medication|medicine|meds|pills|drugs) (?:do|does) WHO need',
    'medication',
  ),
  form(
    '(?:what|which) (?<np>(?:shoe|shirt|dress|ring|hat|glove|trouser|jacket) size)(?: do| am| is)? ?(?:i|we)?(?: have| wear| take| am)?|what size (?<np>shoes?|shirts?|dress|rings?) (?:do|am) i (?:wear|take|have)',
    (groups) => topicOf(`${groups['np']?.replace(/ size$/u, '') ?? ''} size`),
  ),
  form('how many (?<np>[\\p{L} -]{2,30}?) (?:do|does|have) (?:i|we)(?: have| got)?', (groups) => countOf(groups['np'])),
  form(
    "what (?:did|do|have)? ?(?:i|we) (?:call|called|name|named) (?<own>my|our|the) (?<np>[\\p{L}' -]{2,40})",
    called,
  ),
  form(
    "(?:what|how|who)(?:'?s|'?re| is| are| was| were) (?:my|our) (?<np>[\\p{L}' -]{2,40}?) (?:called|named)|what (?:my|our) (?<who>[\\p{L}' -]{2,40}?) (?:is|are|was) called",
    called,
  ),
  form(
    "when(?:'?s| is| do| does| did| are)? (?<own>my|our) (?<np>[\\p{L}' -]{2,40}?) (?:leave|leaves|start|starts|depart|departs|arrive|begin|due|end|take place|happen|expire|expires|again|land|board|on)",
    noun,
  ),
  form(
    "(?:do|does|did|have) (?:i|we) (?:have|own|got|ever mention having) (?<any>any |an? |some )?(?<np>[\\p{L}' -]{2,40})",
    yesNo,
  ),
  form(
    '(?:what|which|what kind of|what sort of) (?<np>(?:pets?|animals?|dog|cat|phone|bike|hobb(?:y|ies)|job|siblings|kids)) (?:do|does) (?:i|we) (?:have|own|got|use)',
    (groups) => topicOf((groups['np'] ?? '').replace(/animals?/u, 'pet')),
  ),
  form(
    "(?:what|whats|which|who|when|where|how|how much|how long|how big|how many)(?:'?s|'?re| is| are| was| were|'d)?(?: it)? (?<own>my |our )(?<np>[\\p{L}\\p{N}'@ -]{2,80}?)(?: (?:is|was|are|were|called|on|at|located|scheduled|set for|like))*",
    noun,
  ),
  form(
    "(?:what|whats|which|who|when|where)(?:'?s|'?re| is| are| was| were)? (?:the )?(?<np>[\\p{L}\\p{N}'@ -]{2,80}?)(?: (?:is|was))?",
    noun,
  ),
  form(
    "(?:what|which) (?<np>[\\p{L}' -]{2,40}?) (?:do|does|did|am|is|are|was|have) (?:i|we)(?: (?:have|use|on|in|own|wear|got|live in|staying (?:in|at)|booked on|at))?",
    (groups) => topicOf(groups['np'] ?? ''),
  ),
  form("(?:is|was|are) (?<own>my |our )(?<np>[\\p{L}' -]{2,40}?) (?:still )?(?:on|at|in|called|named) .{1,60}", noun),
]
