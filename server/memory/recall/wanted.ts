/** What kind of thing a question wants to hear. */

export type Wanted =
  | 'person'
  | 'name'
  | 'surname'
  | 'time'
  | 'clock'
  | 'duration'
  | 'frequency'
  | 'place'
  | 'address'
  | 'reason'
  | 'number'
  | 'count'
  | 'age'
  | 'money'
  | 'dose'
  | 'height'
  | 'weight'
  | 'size'
  | 'code'
  | 'phone'
  | 'email'
  | 'password'

const PAID =
  '(?:pay|paid|paying|cost|costs|owe|owes|charge|charges|charged|earn|earns|make|want|wants|ask|spend|spent|save|saved|worth|rent|lease|deposit|bill|fee|fine|ticket|tickets|salary|mortgage)'

/** The first that a question has decides. */
const FORMS: readonly (readonly [RegExp, Wanted])[] = [
  [/^why\b/iu, 'reason'],
  [/^when(?:'?s)?\b/iu, 'time'],
  [/^where(?:abouts|'?s)?\b/iu, 'place'],
  [/^who(?:m|se|'s|s)?\b(?! (?:do|does|did) .*\b(?:vote|support|work|cheer|root|play|bank|fly)\b)/iu, 'person'],
  [/\b(?:e-?mail|mail address)\b/iu, 'email'],
  [
    /\b(?:phone|mobile|cell|telephone|direct|contact) (?:number|no|line)\b|'s number\b|\bnumber of (?:my|the) (?:\p{L}+)$|\bring\b.*\bnumber\b/iu,
    'phone',
  ],
  [/\b(?:street|address)\b/iu, 'address'],
  [/\b(?:surname|(?:last|family|second|maiden) name)\b/iu, 'surname'],
  [/\b(?:password|passcode|passphrase)\b/iu, 'password'],
  [/\bhow old\b|\bage\b/iu, 'age'],
  [/\bhow tall\b|\bheight\b/iu, 'height'],
  [/\bhow heavy\b|\bweight\b|\bhow much\b.*\bweigh/iu, 'weight'],
  [/\bhow long\b/iu, 'duration'],
  [/\bhow (?:often|frequently)\b|\bhow many times\b/iu, 'frequency'],
  [/\b(?:dose|dosage)\b|\bhow (?:much|many)\b.* (?:on|take|takes|taking|need)\b/iu, 'dose'],
  [
    new RegExp(
      `\\bhow much\\b.*\\b${PAID}\\b|\\b(?:salary|price|cost|costs|budget|income|wage|deposit|fee|rent)\\b(?!.*\\b(?:due|from)\\b)|\\bhow much (?:is|was|are|were|for)\\b|^what (?:do|did|does|will) .*\\b(?:pay|paid|cost|charge|ask for)\\b`,
      'iu',
    ),
    'money',
  ],
  [/\bhow many\b/iu, 'count'],
  [/\bsizes?\b|\bhow (?:big|large|wide|high)\b/iu, 'size'],
  [
    /\bhow (?:much|far|fast|strong|deep)\b|\b(?:score|dose|result|rating|temperature|percentage)\b|\b(?:meter|bp|pressure|sugar) (?:reading|level)\b/iu,
    'number',
  ],
  [
    /\b(?:what|which) time\b(?! ?zone)|\btime (?:is|does|do|of)\b|\b(?:opening|closing|departure|arrival|start|starting) time\b/iu,
    'clock',
  ],
  [
    /\bwhen\b|\b(?:what|which) (?:day|days|date|year|month|week|season)\b|\b(?:birthday|deadline|due date|anniversary)\b|^(?:since|until|till|from|by) (?:what|which|when)\b/iu,
    'time',
  ],
  [
    /\b(?:number|code|pin|combination|combo|serial|iban|plate|registration|postcode|zip|id|reference|ref|membership)\b(?! of (?:kids|children|people|hives))/iu,
    'code',
  ],
  [/\bwho(?:m|se|'s|s)?\b(?! (?:do|does|did) .*\b(?:vote|support|work|cheer|root|play|bank|fly)\b)/iu, 'person'],
  [/\bwhere(?:abouts|'?s)?\b|\b(?:what|which) (?:city|town|country|village)\b/iu, 'place'],
  [/\bnames?\b|\b(?:called|named)\b|\bcall (?:me|it|him|her|them|the)\b/iu, 'name'],
]

/** Null: anything may be the answer. */
export function wantedBy(question: string): Wanted | null {
  return FORMS.find(([form]) => form.test(question))?.[1] ?? null
}
