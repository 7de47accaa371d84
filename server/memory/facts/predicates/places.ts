import type { PredicateRow } from './predicate.ts'

/** With whom and why somebody lives where they do: no part of the place. */
const BESIDE =
  '(?: (?:with (?:my|our|his|her|their|me|him|us|two|three|four)|for (?:my|our|his|her|an?|the|work|school|university|uni|college|love|good)|to be|together|by myself|alone|on my own|after|near (?:my|our))\\b.*)?'

/** Where somebody lives, stays, parks and comes from. The first that fits decides. */
export const PLACES: readonly PredicateRow[] = [
  ['BE (?:originally )?from (?<value>.+)', 'origin', 'text', 0.9],
  ['come(?:s)? from (?<value>.+)', 'origin', 'text', 0.85],
  [
    '(?:BE )?(?:currently |now |still )?(?:(?:living|based|located|residing) (?:in|at|on|out of)|settled in) (?<value>.+?)' +
      BESIDE,
    'home',
    'text',
    0.95,
  ],
  ['(?:currently |now |still )?(?:lives?|resides?|stays?) (?:at|on) (?<value>.*\\d.*)', 'address', 'text', 0.95],
  [
    '(?:currently |now |still )?(?:lives?|resides?) (?:in|at|on) (?<value>(?!the moment).+?)' + BESIDE,
    'home',
    'text',
    0.95,
  ],
  [
    '(?:just |have |recently |finally )*(?:moved|relocated|moving|emigrated)(?: (?:house|here|back|over|out))?(?: from .{1,40})? to (?<value>.+?)' +
      BESIDE,
    'home',
    'text',
    0.9,
  ],
  ['BE (?:now |currently )?in (?<value>\\p{Lu}.*?) (?:now|these days)', 'home', 'name', 0.7],
  ['grew up in (?:an? (?:\\p{L}+ ){1,3}(?:called|named) )?(?<value>.+)', 'hometown', 'text', 0.9],
  [
    '(?:BE )?born (?:and raised )?in (?<value>.+?) in (?<more>(?:19|20)\\d\\d)',
    'birthplace',
    'text',
    0.95,
    ['birth year', 'text'],
  ],
  ['(?:BE )?born (?:and raised )?in (?<value>.+)', 'birthplace', 'text', 0.9],
  ['(?:have )?parked (?:(?:my|the) (?:car|van|bike) )?(?:on|in|at) (?<value>.+)', 'parking', 'text', 0.85],
  ['(?:lived|resided|been living|been based|been) (?:in|at) (?<value>.+?)(?: (?:for|since) .+)', 'home', 'text', 0.85],
  ['hails? from (?<value>.+)', 'origin', 'text', 0.9],
  ['calls? (?<value>.+?) home', 'home', 'text', 0.85],
  ['BE (?:raised|brought up) in (?<value>.+)', 'hometown', 'text', 0.9],
  [
    'BE at (?<value>\\d+\\p{L}? .*(?:road|street|st|lane|avenue|ave|drive|close|square|rd|way|court)\\b.*)',
    'address',
    'text',
    0.85,
  ],
  [
    '(?:BE )?(?:check in|checking in|stays?|staying|sleeps?|sleeping|booked in) at (?:the )?(?<value>.+?)(?: (?:on|from|until|in) .+)?',
    'hotel',
    'name',
    0.75,
  ],
  ['(?:have )?(?:booked|reserved) (?:an? |my |our )?room (?:at|in) (?:the )?(?<value>\\p{Lu}.+)', 'hotel', 'name', 0.8],
]
