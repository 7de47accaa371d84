/** Questions that differ by one word from what a message answers: "when is my father's birthday?" of a mother's. */

/** Of each kind the words of which one is asked for in the place of another; those after a comma mean the same, in any form. */
const KINDS: readonly (readonly string[])[] = [
  ['mother,mum,mom,mam,mama', 'father,dad,papa,da', 'brother,bro', 'sister,sis', 'aunt,auntie', 'uncle', 'cousin'],
  ['son,boy,lad', 'daughter,girl', 'niece', 'nephew', 'grandson', 'granddaughter'],
  ['wife,missus', 'husband,hubby', 'girlfriend', 'boyfriend', 'ex'],
  ['grandma,gran,granny,nan,nana', 'grandad,grandpa,granddad'],
  ['landlord,landlady', 'neighbour,neighbor', 'boss,manager', 'colleague', 'flatmate,roommate'],
  ['doctor,gp', 'dentist', 'vet', 'optician', 'physio', 'hairdresser,barber', 'plumber', 'electrician'],
  ['morning', 'evening', 'afternoon', 'night'],
  [
    'monday,mondays',
    'tuesday,tuesdays',
    'wednesday,wednesdays',
    'thursday,thursdays',
    'friday,fridays',
    'saturday,saturdays',
    'sunday,sundays',
  ],
  ['spring', 'summer', 'autumn', 'winter'],
  ['breakfast', 'lunch', 'dinner,tea,supper'],
  ['open,opens', 'close,closes,shut,shuts'],
  ['start,starts,begin,begins', 'finish,finishes,end,ends'],
  ['leave,leaves,depart,departs', 'arrive,arrives'],
  ['upstairs', 'downstairs'],
  ['left', 'right'],
  ['first', 'second', 'third', 'last'],
  ['older,eldest,oldest', 'younger,youngest'],
  ['kitchen', 'bathroom', 'bedroom', 'garage', 'shed', 'cellar,basement', 'attic,loft'],
  ['cat', 'dog,pup,puppy', 'horse', 'rabbit', 'parrot,budgie', 'hamster'],
  ['shoe,shoes', 'jeans,trousers', 'shirt', 'jacket,coat', 'boots', 'glove,gloves', 'hat'],
  ['phone,mobile', 'laptop', 'tablet', 'printer', 'router', 'camera'],
  ['knee', 'shoulder', 'ankle', 'wrist', 'hip', 'elbow'],
  ['guitar', 'piano', 'violin', 'drums', 'flute'],
  ['train', 'bus', 'flight,plane', 'ferry', 'taxi'],
]

interface Group {
  readonly kind: number
  readonly words: readonly string[]
}

const GROUPS: readonly Group[] = KINDS.flatMap((groups, kind) =>
  groups.map((words) => ({ kind, words: words.split(',') })),
)
const byWord = new Map(GROUPS.flatMap((group) => group.words.map((word) => [word, group] as const)))

/** The words of a text, in lower case: "mum's" has "mum". */
const wordsIn = (text: string): string[] => text.toLowerCase().match(/\p{L}+/gu) ?? []

/** A word that a question shares with the message that answers it, and what may stand in its place so that it answers it no more. */
interface Swap {
  readonly word: string
  readonly other: string
}

/** All of a question; what else was told of the subject (`beside`) has no word of those either. */
export function swapsOf(question: string, told: string, beside: readonly string[]): Swap[] {
  const said = new Set(wordsIn(told))
  const all = new Set([told, ...beside].flatMap(wordsIn))
  const shared = [...new Set(wordsIn(question))].filter((word) => said.has(word))
  return shared.flatMap((word) => {
    const own = byWord.get(word)
    const others = own ? GROUPS.filter(({ kind, words }) => kind === own.kind && words !== own.words) : []
    return others
      .filter(({ words }) => !words.some((one) => all.has(one)))
      .map(({ words }) => ({ word, other: words[0]! }))
  })
}

/** A text with one word in the place of another. */
export const withSwap = (text: string, { word, other }: Swap): string =>
  text.replace(new RegExp(`(?<!\\p{L})${word}(?!\\p{L})`, 'giu'), other)
