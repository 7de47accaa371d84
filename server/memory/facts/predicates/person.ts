import type { PredicateRow } from './predicate.ts'

/** Names, ages, birthdays, languages and who they live with. The first that fits decides. */
export const PERSON: readonly PredicateRow[] = [
  ['BE (?:called|named|nicknamed|known as|spelled|spelt) (?<value>.+)', 'name', 'name', 0.95],
  ['(?:BE called|go(?:es)? by|answers? to)(?: the name)? (?<value>.+)', 'name', 'name', 0.9],
  ['BE (?:happily |now )?(?:married|engaged) to (?<value>.+)', 'SPOUSE', 'name', 0.9],
  ['BE (?:dating|seeing|going out with) (?<value>\\p{Lu}.+)', 'PARTNER', 'name', 0.8],
  ['(?:BE )?born (?:in|on) (?<value>(?:19|20)\\d\\d)', 'birth year', 'text', 0.95],
  ['(?:BE )?born on (?:the )?(?<value>.+)', 'birthday', 'text', 0.95],
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
  ['BE (?<value>(?:left|right)[ -]?handed)', 'handedness', 'text', 0.95],
  [
    'BE (?:now |recently |happily |newly )?(?<value>single|divorced|widowed|married|engaged|separated)',
    'relationship status',
    'text',
    0.85,
  ],
  ["(?:'?d|would) rather be (?:addressed as|called) (?<value>.+)", 'name', 'name', 0.85],
  ['(?:grew up|BE raised) (?:speaking|with) (?<value>\\p{Lu}\\p{L}+)', 'native language', 'name', 0.9],
  ['(?:also |only )?speaks? (?:fluent )?(?<value>\\p{L}.+)', 'languages', 'list', 0.9],
  ['(?<value>.+) is what (?:everyone|people|friends) calls? me', 'name', 'name', 0.7],
  [
    'BE (?:an? )?(?<value>aries|taurus|gemini|cancer|leo|virgo|libra|scorpio|sagittarius|capricorn|aquarius|pisces)',
    'star sign',
    'text',
    0.85,
  ],
  ['stands? (?<value>.+?) tall', 'height', 'text', 0.85],
  ['BE (?:fluent in|bilingual in|native in) (?<value>.+)', 'languages', 'list', 0.9],
  ['BE (?:better )?known (?:as|to .{2,30} as) (?<value>.+)', 'name', 'name', 0.8],
  ['(?:hit|reached) (?<value>\\d{1,3})', 'age', 'text', 0.8],
  ['BE due (?:on|in) (?<value>.+)', 'due date', 'text', 0.8],
]
