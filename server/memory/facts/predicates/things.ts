import type { PredicateRow } from './predicate.ts'

/** What somebody owns, keeps somewhere, wears and is busy with. The first that fits decides. */
export const THINGS: readonly PredicateRow[] = [
  [
    '(?:currently |now )?(?:drive|drives) (?:an? )?(?!(?:the |an? )?(?:school )?(?:bus|taxi|cab|lorry|tram|train|ambulance|forklift|minibus)(?![\\p{L}-]))(?<value>.+)',
    'car',
    'text',
    0.9,
  ],
  [
    '(?:have )?(?:just |recently )?(?:bought|got) (?:myself )?(?:an? )?(?:new |used |second-hand )?car,? (?:an? )?(?<value>.+)',
    'car',
    'text',
    0.8,
  ],
  ['(?:have |got )an? car,? (?:an? )?(?<value>.+)', 'car', 'text', 0.8],
  [
    '(?:wear|wears|take|takes|BE)(?: an?)? (?:size (?<value>[\\p{L}\\d./]+)|an? (?<more>[\\p{L}\\d./]+) in) (?<noun>shoe|shirt|trouser|jean|dres|sock|hat|glove|jacket|ring|boot)s?(?:es)?\\b.*',
    '$noun size',
    'text',
    0.9,
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
  [
    "(?:have|got) (?:an? |my )?(?<noun>(?:\\p{L}+ )?(?:meeting|appointment|interview|call|exam|checkup)(?: (?:with|at) (?:the )?[\\p{L}.' ]{2,30}?)?) (?:on|at|is) (?<value>.+)",
    '$noun',
    'text',
    0.8,
  ],
  ['(?:BE )?bank(?:s|ing)? (?:with|at) (?<value>\\p{Lu}.+)', 'bank', 'name', 0.85],
  ['(?:have|has|got) (?:an? |my |a bank )?(?:bank )?account (?:at|with) (?<value>\\p{Lu}.+)', 'bank', 'name', 0.85],
  ['BE (?:on flight|flying (?:with|on)) (?<value>(?=\\S*\\d)[\\p{L}\\d-]{4,})', 'flight number', 'name', 0.9],
  ['BE getting married (?:on|in) (?<value>.+)', 'wedding', 'text', 0.9],
  ['(?:fly|flies|leave|leaves|depart|departs|arrive|arrives) (?:at|on) (?<value>.+)', 'DEPARTS', 'text', 0.75],
  ['(?:own|owns) (?:an? )?(?<value>(?:19|20)\\d\\d .+)', 'car', 'text', 0.7],
  ['rides? (?:an? )?(?<value>.+)', 'motorbike', 'name', 0.7],
  [
    'BE (?:currently )?(?<noun>watching|reading|playing|training for|preparing for|saving(?: up)? for|building|restoring|renovating|volunteering at|rooting for|expecting|studying for|competing in|working on|planning|listening to) (?:an? )?(?<value>.+)',
    '$noun',
    'name',
    0.65,
  ],
  [
    'BE writing (?:my|an?) (?<noun>thesis|dissertation|book|novel|paper|essay) (?:on|about) (?<value>.+)',
    '$noun',
    'text',
    0.85,
  ],
  [
    '(?:have )?(?:lent|gave|given|borrowed) (?:my|the|our) (?<noun>[\\p{L} ]{2,30}?) (?<value>(?:to|from) .+)',
    '$noun',
    'text',
    0.75,
  ],
]
