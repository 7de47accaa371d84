import type { PredicateRow } from './predicate.ts'

/** What somebody likes, plays and does in their free time. The first that fits decides. */
export const TASTES: readonly PredicateRow[] = [
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
    '(?:absolutely |really |totally |always |still |just |secretly |also )*(?:love|like|adore|enjoy|dig|fancy)s? (?:to (?:eat|drink) |eating |drinking )?(?<value>.+)',
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
  ['(?:plays?|played) the (?<value>.+?)(?: (?:for|since) .+)?', 'instrument', 'list', 0.95],
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
  ['supports? (?<value>\\p{Lu}.+)', 'team', 'name', 0.85],
  ['BE (?:an? )?(?<value>\\p{Lu}.+?) supporter', 'team', 'name', 0.85],
  ['uses? (?<value>\\p{Lu}.+)', 'uses', 'name', 0.75],
  ['collects? (?<value>.+)', 'collection', 'text', 0.9],
  ['go(?:es)? (?<value>\\p{L}+ing)(?: (?:every|on|in|a lot|at|with|most).*)?', 'hobby', 'name', 0.75],
  [
    '(?:do|practi[sc]e)s? (?<value>yoga|judo|karate|pilates|ballet|taekwondo|crossfit|jiu-jitsu|gymnastics|athletics|archery|origami|pottery|calligraphy|parkour|tai chi)\\b.*',
    'hobby',
    'name',
    0.85,
  ],
  ["(?:can'?t|cannot|couldn'?t) (?:live|do|go a day) without (?<value>.+)", 'likes', 'list', 0.8],
  ['sings? (?<value>soprano|alto|tenor|bass|baritone|mezzo)\\b.*', 'voice', 'name', 0.85],
  [
    '(?<value>knit|crochet|sew|paint|draw|garden|bake|climb|surf|ski|sail|fence|juggle|meditate|fish|hunt|skate|row|cycle|swim|run|hike|dance|sing)(?: (?:a lot|too|every .+|on .+|in my .+|for fun|as a hobby))?',
    'hobby',
    'name',
    0.75,
  ],
]
