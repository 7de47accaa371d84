/** What the user of a keeper chat may tell about: some of it about themselves, some about the people around them. */
import type { Kind } from './values.ts'

/** One thing that can be told, asked and corrected. */
export interface Attribute {
  /** As it stands after "my": "locker code", "sister's birthday". */
  readonly phrase: string
  readonly kind: Kind
  /** Other ways to state it, with `{v}` for the value. */
  readonly tells: readonly string[]
  /** Other ways to ask for it. */
  readonly asks: readonly string[]
}

const self: Record<Kind, string> = {
  person: 'name, middle name, last name, nickname, screen name, stage name',
  place:
    'home town, city, holiday town, meeting room, hotel, street, favorite city, favorite lake, next stop, school, village',
  company:
    'employer, bank, airline, phone provider, favorite brand, favorite band, insurance company, landlord company',
  number:
    'locker number, room number, badge number, parking spot, seat number, bus line, gate number, phone extension, ' +
    'membership number, invoice number, pin, shelf number, ticket number, house number',
  code:
    'locker code, door code, flight number, booking code, alarm code, license plate, order code, safe code, ' +
    'project code, bike code, train number, package code, course code, printer code',
  date: 'birthday, exam date, moving date, deadline, wedding day, start date, travel date, payday',
  clock: 'meeting time, boarding time, lunch time, wake up time, train time, bed time',
  thing: 'lucky charm, birthday gift, costume, favorite toy, souvenir',
  animal: 'favorite animal, team mascot, spirit animal',
  food: 'favorite food, favorite dessert, usual breakfast, favorite snack, favorite soup, allergy',
  shade: 'favorite color, car color, door color, bike color, jacket color',
  phrase: 'password, secret phrase, wifi password',
}

const people = list(
  'sister, brother, mother, father, boss, dentist, neighbor, landlord, doctor, teacher, coach, cousin, uncle, aunt, roommate',
)
const pets = list('dog, cat, parrot')
const peopleHave: Record<string, Kind> = {
  name: 'person',
  birthday: 'date',
  town: 'place',
  'phone extension': 'number',
  'favorite color': 'shade',
}
const petsHave: Record<string, Kind> = { name: 'person', birthday: 'date', 'favorite food': 'food' }

/** Wordings that need more than "my X is". */
const special: Record<string, { tells: readonly string[]; asks: readonly string[] }> = {
  name: { tells: ['I am called {v}.', 'Please call me {v}.'], asks: ['What am I called?', 'Do you know who I am?'] },
  'home town': {
    tells: ['I grew up in {v}.', 'I come from {v}.'],
    asks: ['Where did I grow up?', 'Where do I come from?'],
  },
  city: { tells: ['I live in {v}.', 'I moved to {v}.'], asks: ['Where do I live?', 'Which city do I live in?'] },
  employer: {
    tells: ['I work for {v}.', 'I have a job at {v}.'],
    asks: ['Who do I work for?', 'Where do I have a job?'],
  },
  birthday: { tells: ['I was born on {v}.'], asks: ['When was I born?'] },
  hotel: { tells: ['I am staying at the {v}.'], asks: ['Where am I staying?'] },
  bank: { tells: ['I keep my money at {v}.'], asks: ['Where do I keep my money?'] },
  allergy: { tells: ['I am allergic to {v}.'], asks: ['What am I allergic to?'] },
  'wake up time': { tells: ['I wake up at {v}.'], asks: ['When do I wake up?'] },
  'flight number': { tells: ['I am on flight {v}.'], asks: ['Which flight am I on?'] },
  'favorite food': { tells: ['I love to eat {v}.'], asks: ['What do I love to eat?'] },
  'parking spot': { tells: ['I parked at {v}.'], asks: ['Where did I park?'] },
}

/** Every attribute; all phrases differ. */
export const attributes: readonly Attribute[] = [
  ...Object.entries(self).flatMap(([kind, phrases]) =>
    list(phrases).map((phrase) => ({ phrase, kind: kind as Kind, ...(special[phrase] ?? { tells: [], asks: [] }) })),
  ),
  ...people.flatMap((who) => related(who, peopleHave)),
  ...pets.flatMap((who) => related(who, petsHave)),
]

function related(who: string, properties: Record<string, Kind>): Attribute[] {
  return Object.entries(properties).map(([property, kind]) => ({
    phrase: `${who}'s ${property}`,
    kind,
    tells: relatedTells(who, property),
    asks: relatedAsks(who, property),
  }))
}

function relatedTells(who: string, property: string): string[] {
  if (property === 'name') return [`My ${who} is called {v}.`, `I have a ${who} called {v}.`]
  if (property === 'town') return [`My ${who} lives in {v}.`]
  return property === 'birthday' ? [`My ${who} was born on {v}.`] : []
}

function relatedAsks(who: string, property: string): string[] {
  if (property === 'name') return [`What is my ${who} called?`, `Who is my ${who}?`]
  if (property === 'town') return [`Where does my ${who} live?`]
  return property === 'birthday' ? [`When was my ${who} born?`] : []
}

function list(text: string): string[] {
  return text.split(',').map((part) => part.trim())
}
