/** Words that the rules know. All others are names, values and attributes as the user writes them. */
import { memoized } from '../memoized.ts'

const words = (list: string) => list.trim().split(/\s+/)

/** People by what they are to the user. */
export const PEOPLE: ReadonlySet<string> = new Set(
  words(`mom mother mommy mama dad father daddy papa parents sister brother sibling siblings sis bro twin stepmom stepdad
    stepsister stepbrother son daughter kid kids child children baby toddler stepson stepdaughter husband wife spouse partner
    fiance fiancée fiancé fiancee boyfriend girlfriend ex hubby wifey grandma grandpa grandmother grandfather granny grandad nan
    gran grandson granddaughter grandchild uncle aunt auntie aunty cousin nephew niece friend bestie mate buddy roommate flatmate
    housemate neighbor colleague coworker boss manager supervisor landlord landlady teacher tutor professor coach trainer
    doctor gp dentist therapist psychologist psychiatrist physio physiotherapist midwife lawyer accountant hairdresser barber
    vet pediatrician optician nanny babysitter godmother godfather godson goddaughter godchild mentor advisor assistant
    mother-in-law father-in-law sister-in-law brother-in-law inlaws goddaughter pharmacist mechanic gardener cleaner plumber
    tenant pupil intern electrician carpenter stylist secretary handyman`),
)

/** Animals that people live with. */
export const PETS: ReadonlySet<string> = new Set(
  words(`pet pets dog puppy pup doggo hound cat kitten kitty hamster rabbit bunny guinea-pig parrot budgie parakeet canary
    bird cockatiel goldfish fish turtle tortoise snake lizard gecko iguana horse pony donkey goat sheep cow chicken hen duck ferret rat mouse
    gerbil chinchilla hedgehog spider tarantula labrador poodle beagle terrier dachshund corgi husky spaniel retriever collie greyhound
    pug bulldog shepherd chihuahua whippet pitbull boxer dalmatian doberman rottweiler setter`),
)

/** Attributes that need no "my" before them to be the user's own. */
export const OWN_NOUNS: ReadonlySet<string> = new Set(
  words(`name surname nickname email e-mail mail phone mobile cell number address city town country birthday birthdate
    anniversary age job occupation profession employer hobby hobbies password passcode passphrase code pin combo combination
    plate registration username login handle size height weight type pronouns allergy allergies diet instagram insta
    twitter telegram key keys flight train appointment meeting interview wedding room seat locker wifi ssid iban
    color colour food drink movie film book band song team sport author order timezone nationality language languages tongue
    postcode zip license passport policy account wifi-password school university birthplace starsign status exam test party dinner deadline concert reservation booking delivery parcel surgery operation
    checkup rehearsal conference holiday vacation viewing lesson`),
)

/** Of these a "my X is V" says nothing that is worth keeping. */
export const EMPTY_NOUNS: ReadonlySet<string> = new Set(
  words(`bad goodness god day week weekend morning evening night question problem point issue mistake idea guess fault opinion
    thought thoughts understanding concern bet pleasure turn script function program computer laptop browser internet app head stomach
    life mood brain hair essay text sentence code query regex loop test teams answer request prompt apologies
    next last first second mind heart hope worry worries only main view take impression feeling`),
)

/** British and other spellings, folded to one. */
const SPELLINGS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    colour: 'color',
    colours: 'colors',
    favourite: 'favorite',
    favourites: 'favorites',
    fav: 'favorite',
    fave: 'favorite',
    favorit: 'favorite',
    licence: 'license',
    neighbour: 'neighbor',
    neighbours: 'neighbors',
    centre: 'center',
    theatre: 'theater',
    mum: 'mom',
    bf: 'boyfriend',
    gf: 'girlfriend',
    mummy: 'mom',
    mam: 'mom',
    mama: 'mom',
    tyre: 'tire',
    grey: 'gray',
    programme: 'program',
    jewellery: 'jewelry',
    pyjamas: 'pajamas',
    organisation: 'organization',
    flavour: 'flavor',
    'e-mail': 'email',
    'wi-fi': 'wifi',
    paediatrician: 'pediatrician',
    behaviour: 'behavior',
    'co-worker': 'coworker',
    bday: 'birthday',
    'b-day': 'birthday',
    fone: 'phone',
    adress: 'address',
    insta: 'instagram',
    combo: 'combination',
    tel: 'telephone',
  }),
)

export function spelled(word: string): string {
  return SPELLINGS.get(word) ?? word
}

/** "cats" and "cat" are one; "address" and "bus" stay. */
export function singular(word: string): string {
  if (word === 'children') return 'child'
  if (/(?:ss|us|is)$/u.test(word) || word.length < 4 || !word.endsWith('s')) return word
  if (word.endsWith('ies')) return word.slice(0, -3) + 'y'
  return /(?:ch|sh|x|ss)es$/u.test(word) ? word.slice(0, -2) : word.slice(0, -1)
}

/** Whether a noun phrase, in lower case, names a person or an animal. */
export function isBeing(phrase: string): boolean {
  return phrase.split(' ').some((word) => isBeingWord(word))
}

export const isBeingWord = memoized((word): boolean => {
  const one = singular(spelled(word))
  return PEOPLE.has(word) || PETS.has(word) || PEOPLE.has(one) || PETS.has(one)
})
