import type { ValueKind } from './values.ts'

/** What a predicate says of its subject. The group `value` of the pattern is the value, `more` that of a second one. */
export interface Predicate {
  readonly pattern: RegExp
  /** The topic's attribute; `$noun` takes the group `noun`. */
  readonly attribute: string
  readonly value: ValueKind
  readonly second?: { readonly attribute: string; readonly value: ValueKind }
  /** The value has to begin as a name does: a flag for letter case would hold for the whole pattern. */
  readonly isProper: boolean
  readonly confidence: number
}

const rows: readonly (readonly [string, string, ValueKind, number, (readonly [string, ValueKind])?])[] = [
  // "am", "is", "are" and their contractions are written BE by the caller.
  ['BE (?:called|named|nicknamed|known as|spelled|spelt) (?<value>.+)', 'name', 'name', 0.95],
  ['(?:BE called|go(?:es)? by|answers? to)(?: the name)? (?<value>.+)', 'name', 'name', 0.9],
  ['BE (?:originally )?from (?<value>.+)', 'origin', 'text', 0.9],
  ['come(?:s)? from (?<value>.+)', 'origin', 'text', 0.85],
  [
    '(?:BE )?(?:currently |now |still )?(?:living|based|located|settled|residing) (?:in|at|on) (?<value>.+)',
    'home',
    'text',
    0.95,
  ],
  ['(?:currently |now |still )?(?:lives?|resides?|stays?) (?:at|on) (?<value>.*\\d.*)', 'address', 'text', 0.95],
  ['(?:currently |now |still )?(?:lives?|resides?) (?:in|at|on|near|with) (?<value>.+)', 'home', 'text', 0.95],
  [
    '(?:just |have |recently |finally )*(?:moved|relocated|moving|emigrated)(?: (?:house|here|back|over|out))?(?: from .{1,40})? to (?<value>.+)',
    'home',
    'text',
    0.9,
  ],
  ['BE (?:now |currently )?in (?<value>\\p{Lu}.*?) (?:now|these days)', 'home', 'name', 0.7],
  ['grew up in (?:an? (?:\\p{L}+ ){1,3}(?:called|named) )?(?<value>.+)', 'hometown', 'text', 0.9],
  ['(?:BE )?(?:very |really |super |badly |severely |also )?allergic to (?<value>.+)', 'allergy', 'list', 0.95],
  ['BE (?<value>\\p{L}+)[ -]intolerant', 'allergy', 'text', 0.9],
  ['(?:have|got) an? (?:\\p{L}+ )?(?<value>\\p{L}+(?: \\p{L}+)?) allergy', 'allergy', 'text', 0.9],
  [
    "(?:can'?t|cannot|can not|don'?t|do not|never|mustn'?t) (?:eat|have|digest|tolerate|drink)(?: any)? (?<value>.+)",
    'cannot eat',
    'list',
    0.85,
  ],
  ['(?:avoid|avoids) (?<value>.+)', 'cannot eat', 'list', 0.6],
  ['BE (?:happily |now )?(?:married|engaged) to (?<value>.+)', 'SPOUSE', 'name', 0.9],
  ['BE (?:dating|seeing|going out with) (?<value>\\p{Lu}.+)', 'PARTNER', 'name', 0.8],
  ['(?:BE )?born (?:in|on) (?<value>(?:19|20)\\d\\d)', 'birth year', 'text', 0.95],
  ['(?:BE )?born on (?:the )?(?<value>.+)', 'birthday', 'text', 0.95],
  [
    '(?:BE )?born (?:and raised )?in (?<value>.+?) in (?<more>(?:19|20)\\d\\d)',
    'birthplace',
    'text',
    0.95,
    ['birth year', 'text'],
  ],
  ['(?:BE )?born (?:and raised )?in (?<value>.+)', 'birthplace', 'text', 0.9],
  [
    '(?:BE )?(?:just )?(?:turn(?:s|ing|ed)?) (?<value>\\d{1,3}) (?:on|next) (?<more>.+)',
    'age',
    'text',
    0.85,
    ['birthday', 'text'],
  ],
  ['(?:have )?(?:just |BE )?(?:turn(?:s|ing|ed)?) (?<value>\\d{1,3})\\b.*', 'age', 'text', 0.85],
  [
    'BE (?:only |just |almost |nearly )?(?<value>\\d{1,3})(?: years?| yrs?)?(?: old| of age)?(?: now| already| today)?(?: and .+)?',
    'age',
    'text',
    0.9,
  ],
  ["BE (?<value>\\d{1,3}(?:[.,]\\d{1,2})? ?(?:m|cm|metres|meters|feet|ft|').*?)(?: tall)?", 'height', 'text', 0.9],
  ['(?:weigh|weighs) (?<value>.+)', 'weight', 'text', 0.9],
  [
    '(?:BE )?(?:working|employed) as (?:an? )?(?<value>.+?) (?:at|for) (?<more>.+)',
    'job',
    'name',
    0.95,
    ['employer', 'name'],
  ],
  ['works? as (?:an? )?(?<value>.+?) (?:at|for) (?<more>.+)', 'job', 'name', 0.95, ['employer', 'name']],
  ['(?:BE working|works?|BE employed) as (?:an? )?(?<value>.+)', 'job', 'name', 0.95],
  ['(?:BE )?(?:now |currently )?(?:working|works?|employed) (?:at|for|with) (?<value>.+)', 'employer', 'name', 0.9],
  ['(?:BE )?works? in (?<value>.+)', 'job', 'name', 0.75],
  [
    '(?:just |have |recently )*(?:started(?: (?:working|a (?:new )?job|my new job))?|joined|got (?:a (?:new )?job|hired)) (?:at|with|by) (?<value>.+)',
    'employer',
    'name',
    0.9,
  ],
  ['(?:just |have |recently )*joined (?<value>\\p{Lu}.+)', 'employer', 'name', 0.6],
  [
    '(?:just |have |recently )*(?:started(?: working)?|got a (?:new )?job) as (?:an? )?(?<value>.+)',
    'job',
    'name',
    0.9,
  ],
  ['run(?:s)? (?:my own |an? )(?<value>.+)', 'job', 'name', 0.6],
  ['teach(?:es)? (?<value>.+)', 'teaches', 'name', 0.7],
  ['been (?:an? )(?<value>.+?) (?:for|since) .+', 'job', 'name', 0.8],
  ['(?:been|gone|went|turned|became) (?<value>vegan|vegetarian|pescatarian)\\b.*', 'diet', 'text', 0.9],
  [
    'BE (?:an? |strictly |now )?(?<value>vegan|vegetarian|pescatarian|veggie|kosher|halal|teetotal|teetotaller|gluten[ -]free|keto|flexitarian)',
    'diet',
    'text',
    0.95,
  ],
  [
    '(?:eat|keep|follow)s? (?:an? )?(?<value>vegan|vegetarian|kosher|halal|keto|paleo|gluten[ -]free)(?: diet)?',
    'diet',
    'text',
    0.9,
  ],
  [
    'BE (?:an? )?(?:type [12] )?(?<value>diabetic|asthmatic|epileptic|dyslexic|autistic|colou?r[ -]?blind|deaf|blind|pregnant|coeliac|celiac|hard of hearing)(?: too)?',
    'condition',
    'text',
    0.95,
  ],
  [
    '(?:have|suffers? from|got diagnosed with|BE diagnosed with|got) (?<value>asthma|(?:type [12] )?diabetes|adhd|add|epilepsy|migraines?|arthritis|eczema|psoriasis|hay ?fever|tinnitus|dyslexia|anxiety|depression|insomnia|anemia|anaemia|high blood pressure|celiac disease|coeliac disease|crohn.?s(?: disease)?|autism|ibs|endometriosis|scoliosis)',
    'condition',
    'text',
    0.9,
  ],
  ['suffers? from (?<value>.+)', 'condition', 'text', 0.85],
  ['BE (?<value>left|right)-?(?: )?handed', 'handedness', 'text', 0.95],
  [
    'BE (?:now |recently |happily |newly )?(?<value>single|divorced|widowed|married|engaged|separated)',
    'relationship status',
    'text',
    0.85,
  ],
  [
    'BE (?:now |already |currently )?(?<value>retired|unemployed|self-employed|freelance|between jobs)',
    'job',
    'text',
    0.85,
  ],
  [
    'BE (?:an? )?(?:huge |big |massive |lifelong |total )?(?:fan of|into|fond of|crazy about|obsessed with|addicted to|mad about) (?<value>.+)',
    'likes',
    'list',
    0.85,
  ],
  [
    'BE (?:an? )?(?:huge |big |massive |lifelong |total )?(?<value>.+?) (?:fan|lover|fanatic|person)',
    'likes',
    'name',
    0.75,
  ],
  [
    '(?:absolutely |really |totally |always |still |just |secretly |also )*(?:love|like|adore|enjoy|dig|fancy)s? (?<value>.+)',
    'likes',
    'list',
    0.85,
  ],
  [
    "(?:absolutely |really |totally |always |just |also )*(?:(?:hate|detest|loathe|dislike|despise)s?|can(?:'?t|not) stand|can(?:'?t|not) bear|(?:don'?t|doesn'?t|do not|never) (?:really |particularly )?(?:like|enjoy|love)d?|BE not (?:a fan of|into|keen on)) (?<value>.+)",
    'dislikes',
    'list',
    0.85,
  ],
  ["(?:really |always |usually |generally |would |'?d )*prefers? (?<value>.+)", 'preference', 'text', 0.85],
  ["(?:'?d|would) rather be (?:addressed as|called) (?<value>.+)", 'name', 'name', 0.85],
  ['(?:BE )?(?:scared|afraid|terrified|frightened) of (?<value>.+)', 'fear', 'list', 0.9],
  ['(?:currently |now )?(?:drive|drives) (?:an? )?(?<value>.+)', 'car', 'text', 0.9],
  [
    '(?:have )?(?:just |recently )?(?:bought|got) (?:myself )?(?:an? )?(?:new |used |second-hand )?car,? (?:an? )?(?<value>.+)',
    'car',
    'text',
    0.8,
  ],
  ['(?:have |got )an? car,? (?:an? )?(?<value>.+)', 'car', 'text', 0.8],
  ['plays? the (?<value>.+)', 'instrument', 'list', 0.95],
  [
    'plays? (?<value>(?:bass |electric |acoustic )?(?:guitar|piano|violin|cello|drums?|flute|sax|saxophone|trumpet|accordion|ukulele|harp|bass|banjo|oboe|clarinet|viola|organ|trombone|tuba|mandolin).*)',
    'instrument',
    'list',
    0.9,
  ],
  [
    'plays? (?<value>(?:\\p{L}+ )?(?:\\p{L}*ball|tennis|rugby|hockey|golf|chess|squash|badminton|cricket|darts|poker|bridge|go|padel|ping[ -]pong|polo|lacrosse|snooker|pool|billiards|d&d))\\b.*',
    'sport',
    'name',
    0.85,
  ],
  ['(?:also |only )?speaks? (?:fluent )?(?<value>\\p{L}.+)', 'languages', 'list', 0.9],
  [
    'BE (?:currently |trying |teaching myself )?learning (?:to (?:speak|play) |the )?(?<value>.+)',
    'learning',
    'name',
    0.85,
  ],
  ['supports? (?<value>\\p{Lu}.+)', 'team', 'name', 0.85],
  ['BE (?:an? )?(?<value>\\p{Lu}.+?) supporter', 'team', 'name', 0.85],
  ['uses? (?<value>\\p{Lu}.+)', 'uses', 'name', 0.75],
  [
    '(?:wear|wears|take|takes|BE)(?: an?)? (?:size (?<value>[\\p{L}\\d./]+)|an? (?<more>[\\p{L}\\d./]+) in) (?<noun>shoe|shirt|trouser|jean|dres|sock|hat|glove|jacket|ring|boot)s?(?:es)?\\b.*',
    '$noun size',
    'text',
    0.9,
  ],
  [
    'takes? (?<value>\\d.* ?(?:mg|mcg|ml|pills?|tablets?|drops|units).*?)(?: (?:every|each|daily|per|a day|twice|once|in the|at night|before|after|for).*)?',
    'medication',
    'text',
    0.9,
  ],
  ['BE on (?<value>(?:\\p{L}+ )?\\d.* ?(?:mg|mcg).*)', 'medication', 'text', 0.9],
  ['collects? (?<value>.+)', 'collection', 'text', 0.9],
  [
    '(?:BE )?(?:currently )?(?:study|studies|studying|majoring in|reading) (?<value>.+?) (?:at|in) (?<more>\\p{Lu}.+|the .+|uni.*)',
    'studies',
    'name',
    0.9,
    ['university', 'name'],
  ],
  ['(?:BE )?(?:currently )?(?:study|studies|studying|majoring in) (?<value>.+)', 'studies', 'name', 0.9],
  ['(?:BE )?(?:study|studies|studying) at (?<value>.+)', 'university', 'name', 0.9],
  [
    '(?:go(?:es)? to|attends?|graduated from|BE at) (?<value>.*(?:university|college|uni|polytechnic|academy)\\b.*)',
    'university',
    'name',
    0.9,
  ],
  [
    '(?:go(?:es)? to|attends?|starts? at) (?<value>.*(?:school|primary|kindergarten|nursery|high|elementary|gymnasium)\\b.*)',
    'school',
    'name',
    0.85,
  ],
  ['go(?:es)? (?<value>\\p{L}+ing)(?: (?:every|on|in|a lot|at|with|most).*)?', 'hobby', 'name', 0.75],
  [
    '(?:do|practi[sc]e)s? (?<value>yoga|judo|karate|pilates|ballet|taekwondo|crossfit|jiu-jitsu|gymnastics|athletics|archery|origami|pottery|calligraphy|parkour|tai chi)\\b.*',
    'hobby',
    'name',
    0.85,
  ],
  [
    '(?:always |usually |normally |mostly )+(?:drink|have|take|order)s? (?:my |an? )?(?<noun>tea|coffee|steak|eggs|breakfast)(?: with)? (?<value>.+)',
    '$noun',
    'text',
    0.8,
  ],
  ['(?:take|have|drink)s? (?:my )?(?<noun>tea|coffee|steak)(?: with)? (?<value>.+)', '$noun', 'text', 0.8],
  [
    '(?:always |usually |have )?(?:keep|put|left|hid|hide|store|stored|stash|stashed|leave)s? (?:my|the|our|a) (?<noun>[\\p{L} ]{2,40}?) (?<value>(?:under|in|inside|on|behind|with|at|beneath|above|next to|near|below|by|between)\\s.+)',
    '$noun',
    'text',
    0.85,
  ],
  ['(?:have )?parked (?:(?:my|the) (?:car|van|bike) )?(?:on|in|at) (?<value>.+)', 'parking', 'text', 0.85],
  [
    "(?:have|got) (?:an? |my )?(?<noun>(?:\\p{L}+ )?(?:meeting|appointment|interview|call|exam|checkup)(?: (?:with|at) (?:the )?[\\p{L}.' ]{2,30}?)?) (?:on|at|is) (?<value>.+)",
    '$noun',
    'text',
    0.8,
  ],
  ['BE getting married (?:on|in) (?<value>.+)', 'wedding', 'text', 0.9],
  ['(?:fly|flies|leave|leaves|depart|departs|arrive|arrives) (?:at|on) (?<value>.+)', 'DEPARTS', 'text', 0.75],
  ['(?<value>.+) is what (?:everyone|people|friends) calls? me', 'name', 'name', 0.7],
]

const BE =
  "(?:am|is|are|was|were|be|been|'m|'s|'re|m|s|has been|have been|'ve been)(?: (?:also|really|actually|now|just|still|currently|so|only|always))*"

/** All of them match a whole predicate. */
export const PREDICATES: readonly Predicate[] = rows.map(([pattern, attribute, value, confidence, second]) => ({
  pattern: new RegExp(`^(?:${pattern.replaceAll(/\bBE\b/gu, BE)})[.!,;:… ]*$`, 'diu'),
  attribute,
  value,
  isProper: pattern.includes('(?<value>\\p{Lu}'),
  confidence,
  ...(second === undefined ? {} : { second: { attribute: second[0], value: second[1] } }),
}))
