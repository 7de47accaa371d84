import { nounWords } from './noun-phrase.ts'
import { singular } from './vocabulary.ts'

/** Each row: how an attribute is called, and the other ways to say it. All in the folded spelling. */
const CLASSES: Readonly<Record<string, string>> = {
  home: 'city, town, where i live, place of residence, residence, residency, place, living, location, home city, country',
  address: 'home address, street, street address, postal address, mailing address, where i live exactly',
  origin: 'homeland, country of origin, nationality, roots',
  hometown: 'home town, childhood town, childhood home',
  job: 'work, occupation, profession, position, role, job title, career, trade',
  employer: 'company, workplace, place of work, office, firm, organization',
  birthday: 'date of birth, birth date, birthdate, dob, born',
  'birth year': 'year of birth',
  birthplace: 'place of birth',
  'phone number':
    'mobile number, cell number, telephone number, mobile, cell, cellphone, telephone, cell phone, cell phone number, phone no, contact number, mobile phone number',
  email: 'email address, mail, mail address',
  name: 'full name, first name, called, real name, forename',
  nickname: 'nick',
  surname: 'last name, family name',
  allergy: 'allergies, food allergy, food allergies, intolerance, food intolerance, allergic',
  diet: 'dietary requirement, dietary restriction, eating habits',
  languages: 'language, spoken language',
  'native language': 'mother tongue, first language, native tongue',
  hobby: 'hobbies, pastime, pastimes, interests, free time',
  likes: 'like, love, loves, enjoys, fond of',
  dislikes: 'dislike, hate, hates',
  age: 'years old, how old',
  height: 'how tall, tall',
  weight: 'how heavy',
  car: 'vehicle, kind of car, car model, ride, wheels, auto',
  'license plate':
    'number plate, plate, plate number, license plate number, registration, car registration, registration number, reg, car license plate, car plate',
  team: 'favorite team, football team, soccer team, favorite football team',
  'favorite movie': 'favorite film',
  university: 'college, uni, alma mater',
  studies: 'major, subject, degree, field of study, course, study',
  instrument: 'musical instrument',
  medication: 'medicine, meds, medications, pills, prescription, drug',
  condition: 'medical condition, illness, disease, health condition, diagnosis',
  'relationship status': 'marital status',
  parking: 'parking spot, parking space, parking place, car park, where i parked',
  'spare key': 'spare keys',
  anniversary: 'wedding anniversary',
  wedding: 'wedding date, wedding day',
  'wifi password': 'wifi key, wifi code, wifi passphrase, wireless password, internet password',
  pin: 'pin code, pin number',
  combination: 'lock combination',
  'shoe size': 'size of shoes, size of shoe, shoes size',
  username: 'user name, login, login name, screen name, handle',
  'blood type': 'blood group',
  'time zone': 'timezone',
  handedness: 'dominant hand',
  'number of children': 'number of kids',
  postcode: 'zip, zip code, zipcode, postal code, post code',
  salary: 'income, pay, wage, wages, earnings',
  motorbike: 'motorcycle, scooter, moped, bike',
  fear: 'fears, phobia, phobias',
}

const CLASS_OF: ReadonlyMap<string, string> = new Map(
  Object.entries(CLASSES).flatMap(([name, others]) => [name, ...others.split(', ')].map((other) => [key(other), name])),
)

function key(attribute: string): string {
  return nounWords(attribute).map(singular).join(' ')
}

/** The one name of an attribute and its synonyms. */
export function classOf(attribute: string): string {
  const folded = key(attribute)
  return CLASS_OF.get(folded) ?? folded
}

/** People and animals that are called by several words. */
const BEINGS: Readonly<Record<string, string>> = {
  spouse: 'husband wife partner hubby wifey fiance fiancé fiancée fiancee boyfriend girlfriend',
  mom: 'mother mommy',
  dad: 'father daddy papa',
  grandma: 'grandmother granny nan gran',
  grandpa: 'grandfather grandad',
  child: 'kid baby son daughter toddler',
  sibling: 'sister brother sis bro twin',
  boss: 'manager supervisor',
  roommate: 'flatmate housemate',
  colleague: 'coworker',
  doctor: 'gp',
  landlord: 'landlady',
  friend: 'bestie mate buddy',
  aunt: 'auntie aunty',
  dog: 'puppy pup doggo hound labrador poodle beagle terrier dachshund corgi husky spaniel retriever collie greyhound pug bulldog shepherd chihuahua whippet pitbull boxer dalmatian doberman rottweiler setter',
  cat: 'kitten kitty',
  rabbit: 'bunny',
  bird: 'parrot budgie parakeet canary cockatiel',
  turtle: 'tortoise',
}

const KIND_OF: ReadonlyMap<string, string> = new Map(
  Object.entries(BEINGS).flatMap(([kind, others]) => [kind, ...others.split(' ')].map((word) => [word, kind])),
)

/** The general word for a person or an animal, such as `sibling` of `sister`; the word itself where there is none. */
export function kindOf(being: string): string {
  const word = singular(being)
  return KIND_OF.get(word) ?? word
}

/** Words of one kind that are never one and the same: sister and brother, husband and girlfriend. */
const APART = [
  /^(?:sister|sis)$/u,
  /^(?:brother|bro)$/u,
  /^(?:son)$/u,
  /^(?:daughter)$/u,
  /^(?:husband|hubby)$/u,
  /^(?:wife|wifey)$/u,
  /^boyfriend$/u,
  /^girlfriend$/u,
]

export function areApart(one: string, other: string): boolean {
  const mine = APART.findIndex((word) => word.test(one))
  const theirs = APART.findIndex((word) => word.test(other))
  return mine >= 0 && theirs >= 0 && mine !== theirs
}
