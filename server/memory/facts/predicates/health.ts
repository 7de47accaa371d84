import type { PredicateRow } from './predicate.ts'

const DIETS =
  'vegan|vegetarian|pescatarian|pescetarian|flexitarian|veggie|kosher|halal|teetotal|teetotaller|keto|paleo|low[ -]carb|(?:gluten|dairy|lactose|sugar|meat)[ -]free'

/** What somebody must not eat, has and takes. The first that fits decides. */
export const HEALTH: readonly PredicateRow[] = [
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
  [`(?:been|gone|went|turned|became) (?:fully |mostly |strictly )?(?<value>${DIETS})\\b.*`, 'diet', 'text', 0.9],
  [`BE (?:an? |fully |mostly |strictly |on |on an? )?(?<value>${DIETS})(?: diet)?`, 'diet', 'text', 0.95],
  [`(?:eat|keep|follow)s? (?:an? |mostly |strictly )?(?<value>${DIETS})(?: diet)?`, 'diet', 'text', 0.9],
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
  ['(?:BE )?(?:scared|afraid|terrified|frightened) of (?<value>.+)', 'fear', 'list', 0.9],
  [
    'takes? (?<value>\\d.* ?(?:mg|mcg|ml|pills?|tablets?|drops|units).*?)(?: (?:every|each|daily|per|a day|twice|once|in the|at night|before|after|for).*)?',
    'medication',
    'text',
    0.9,
  ],
  [
    'needs? (?:my|his|her) (?<value>[\\p{L}\\p{N}-]+(?: [\\p{L}\\p{N}-]+)?) (?:once|twice|\\S+ times) (?:a|per) (?:day|week)',
    'medication',
    'text',
    0.85,
  ],
  ['BE on (?<value>(?:\\p{L}+ )?\\d.* ?(?:mg|mcg).*)', 'medication', 'text', 0.9],
  [
    "(?:reacts? badly to|(?:can'?t|cannot) tolerate|(?:have|has) (?:a bad )?reactions? to) (?<value>.+)",
    'allergy',
    'list',
    0.85,
  ],
  ['(?:BE )?sensitive to (?<value>.+)', 'allergy', 'list', 0.75],
  ['(?:BE )?diagnosed with (?<value>.+)', 'condition', 'text', 0.85],
]
