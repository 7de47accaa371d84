/** What users tell about themselves and the people around them, with the ways to tell and to ask it. */
import type { Random } from '../../random.ts'
import { everydayTopics } from './everyday.ts'
import { topic, type Topic } from './topic.ts'
import type { Kind, Part } from './values.ts'

/** Topics with everyday wordings of their own. */
const own: readonly Topic[] = [
  ...everydayTopics,
  topic(
    'name',
    'person',
    "I'm {v}|I am called {v}|call me {v}|{v} here||everyone calls me {v}",
    'What am I called?|Who am I?|Do you know who I am?||How do people call me?',
    'Your name is {v}.',
  ),
  topic(
    'home town',
    'place',
    'I grew up in {v}|I come from {v}|I am originally from {v}||I was raised in {v}',
    'Where did I grow up?|Where do I come from?|Where am I from?||What place was I raised in?',
    'You grew up in {v}.',
    'where you grew up',
  ),
  topic(
    'city',
    'place',
    "I live in {v}|I moved to {v} last year|I'm based in {v}|we live in {v} now||{v} is where I live these days",
    'Where do I live?|What city do I live in?|Which town am I in?||Where is my flat?',
    'You live in {v}.',
    'where you live',
  ),
  topic(
    'birthday',
    'date',
    'I was born on {v}|my birthday is on {v}|I turn a year older on {v}||I blow out my candles on {v}',
    'When was I born?|When is my birthday?||What day do I celebrate my birthday?',
    'Your birthday is {v}.',
  ),
  topic(
    'age',
    'age',
    "I'm {v} years old|I turned {v} this year|I am {v}||just hit {v} years",
    'How old am I?|What is my age?||How many years old am I?',
    'You are {v} years old.',
    'how old you are',
  ),
  topic(
    'job',
    'job',
    'I work as {v}|I am {v}|I make my living as {v}||my day job: {v}',
    'What do I do for a living?|What do I do for work?|What is my profession?||How do I earn my money?',
    'You are {v}.',
    'what you do for a living',
  ),
  topic(
    'employer',
    'company',
    'I work for {v}|I work at {v}|I got a job at {v}||{v} pays my salary',
    'Who do I work for?|Where do I work?|What company do I work at?||Which firm employs me?',
    'You work for {v}.',
    'who you work for',
  ),
  topic(
    'allergy',
    'food',
    "I'm allergic to {v}|I have an allergy to {v}|{v} makes me sick, I'm allergic||I get hives from {v}",
    'What am I allergic to?|Do I have any allergies?|Which food should I avoid?||What gives me an allergic reaction?',
    'You are allergic to {v}.',
    'what you are allergic to',
  ),
  topic(
    'favorite food',
    'food',
    'I love {v}|{v} is my favorite thing to eat|I could eat {v} every day||nothing beats {v} for me',
    "What do I love to eat?|What's my favorite dish?|What food do I like most?||What could I eat all the time?",
    'Your favorite food is {v}.',
  ),
  topic(
    'least favorite food',
    'food',
    "I hate {v}|I can't stand {v}|I don't like {v}||{v} is disgusting to me",
    "What food do I hate?|What can't I stand?|What don't I like to eat?||Which food do I find disgusting?",
    'You do not like {v}.',
    'which food you do not like',
  ),
  topic(
    'favorite color',
    'color',
    'I like {v} best of all colors|{v} is the color I like most|I love the color {v}||if I had to choose a color it would be {v}',
    'Which color do I like best?|What color do I love?||What color would I choose?',
    'Your favorite color is {v}.',
  ),
  topic(
    'hobby',
    'hobby',
    'I love {v}|in my free time I enjoy {v}|{v} is what I do on weekends||I spend my evenings on {v}',
    'What do I do in my free time?|What do I enjoy doing?||How do I spend my evenings?',
    'Your hobby is {v}.',
  ),
  topic(
    'phone number',
    'phone',
    'you can reach me at {v}|my number is {v}|call me on {v}||text me at {v}',
    "What's my phone number?|What is my number?|How can people call me?||On what number can someone text me?",
    'Your phone number is {v}.',
  ),
  topic(
    'email address',
    'email',
    'my email is {v}|write to me at {v}|my mail address is {v}||send it to {v}, that is my inbox',
    "What's my email?|What is my mail address?|Where can people write to me?||Which inbox do I use?",
    'Your email address is {v}.',
  ),
  topic(
    'car',
    'title',
    'I drive a {v}|I just bought a {v}|my car is a {v}||I get around in a {v}',
    'What car do I drive?|Which car do I have?||What do I get around in?',
    'You drive a {v}.',
    'which car you drive',
  ),
  topic(
    'appointment',
    'clock',
    'I have an appointment at {v}|I need to be there at {v}|my appointment is at {v}||they expect me at {v}',
    'When is my appointment?|What time is my appointment?||When do they expect me?',
    'Your appointment is at {v}.',
    'when your appointment is',
  ),
  topic(
    'wake up time',
    'clock',
    'I get up at {v}|I wake up at {v} every day|my alarm goes off at {v}||I roll out of bed at {v}',
    'When do I wake up?|What time do I get up?||When do I roll out of bed?',
    'You get up at {v}.',
    'when you get up',
  ),
  topic(
    'favorite band',
    'title',
    'I listen to {v} all day|my favorite band is {v}|I am a huge fan of {v}||{v} makes the best music',
    'Which band do I like?|What band am I a fan of?||Whose music do I like best?',
    'Your favorite band is {v}.',
  ),
  topic(
    'favorite movie',
    'title',
    "the movie I like best is {v}|I've seen {v} ten times|I love the film {v}||no film comes close to {v}",
    'Which movie do I love?|What film do I like best?||Which film have I watched most?',
    'Your favorite movie is {v}.',
  ),
  topic(
    'favorite book',
    'title',
    "I'm reading {v} again, my favorite book|the best book I know is {v}|I love the book {v}||{v} is the book of my life",
    'Which book do I like best?|What book do I love?||What is the book of my life?',
    'Your favorite book is {v}.',
  ),
  topic(
    'parking spot',
    'code',
    'I parked at {v}|my car is in spot {v}|I left the car at {v}||the car stands on {v}',
    'Where did I park?|Which spot is my car in?||Where does my car stand?',
    'You parked at {v}.',
    'where you parked',
  ),
  topic(
    'flight number',
    'code',
    "I'm on flight {v}|I'm flying with {v}|my flight is {v}||I board {v} tomorrow",
    'Which flight am I on?|What is my flight?||Which plane do I board?',
    'Your flight number is {v}.',
  ),
  topic(
    'hotel',
    'company',
    "I'm staying at the {v}|I booked a room at {v}|we sleep at {v}||{v} is where I spend the night",
    'Where am I staying?|Which hotel did I book?||Where do I spend the night?',
    'You are staying at {v}.',
    'where you are staying',
  ),
  topic(
    'wedding day',
    'date',
    'I got married on {v}|our wedding is on {v}|we marry on {v}||we tie the knot on {v}',
    'When is my wedding?|When do I get married?||When do we tie the knot?',
    'Your wedding is on {v}.',
    'when your wedding is',
  ),
  topic(
    'favorite animal',
    'animal',
    'I like {v}s most of all animals|my favorite animal is the {v}|the {v} is the animal I love||nothing is cuter than a {v}',
    'Which animal do I like best?|What animal do I love?||What animal do I find cutest?',
    'Your favorite animal is the {v}.',
  ),
  topic(
    'travel destination',
    'place',
    "I'm going to {v} next month|we are flying to {v}|my next trip is to {v}||I have tickets to {v}",
    'Where am I going on my trip?|Where do I travel next?|Where am I flying to?||Where do my tickets take me?',
    'You are going to {v}.',
    'where you are going',
  ),
  topic(
    'school',
    'company',
    'I go to {v}|I study at {v}|I am a student at {v}||I am enrolled at {v}',
    'Where do I study?|Which school do I go to?||Where am I enrolled?',
    'You study at {v}.',
    'where you study',
  ),
  topic(
    'bank',
    'company',
    'my money is at {v}|I bank with {v}|I have an account at {v}||I trust {v} with my savings',
    'Which bank do I use?|Where do I have my account?||Who keeps my savings?',
    'Your bank is {v}.',
  ),
  topic(
    'exam date',
    'date',
    'my exam is on {v}|I have an exam on {v}|I am taking the test on {v}||I sit my exam on {v}',
    'When is my exam?|When do I take my test?||What day do I sit my exam?',
    'Your exam is on {v}.',
    'when your exam is',
  ),
  topic(
    'goal',
    'hobby',
    'I want to get better at {v}|my goal is {v}|this year I focus on {v}||I set my mind on {v}',
    'What is my goal?|What do I want to get better at?||What did I set my mind on?',
    'Your goal is {v}.',
  ),
  topic(
    'doctor',
    'person',
    'my doctor is {v}|I see {v} when I am sick|{v} treats me||I am a patient of {v}',
    'Who is my doctor?|Who treats me?||Whose patient am I?',
    'Your doctor is {v}.',
  ),
  topic(
    'shoe size',
    'number',
    'I wear size {v} shoes|my shoe size is {v}||my feet are a {v}',
    'What size shoes do I wear?|What is my shoe size?||How big are my feet?',
    'Your shoe size is {v}.',
    '',
    'heldout',
  ),
  topic(
    'rent',
    'number',
    'I pay {v} a month for my flat|my rent is {v}||the landlord gets {v} from me',
    'How much rent do I pay?|What is my rent?||What does my flat cost a month?',
    'Your rent is {v}.',
    '',
    'heldout',
  ),
  topic(
    'dream job',
    'job',
    'I would love to be {v}|one day I want to be {v}||my dream is to work as {v}',
    'What do I want to become?|What is my dream job?||What would I love to be?',
    'You want to be {v}.',
    'what you want to become',
    'heldout',
  ),
  topic(
    'team',
    'title',
    'I support {v}|I root for {v}||{v} till I die, best team',
    'Which team do I support?|Who do I root for?||What team am I a fan of?',
    'You support {v}.',
    'which team you support',
    'heldout',
  ),
]

/** Things that have no wordings of their own. */
const things: readonly (readonly [Kind, string, string])[] = [
  [
    'code',
    'locker code, door code, booking code, alarm code, license plate, order number, safe code, gate code, customer number, wifi network, serial number, train number, tracking number, insurance number',
    'luggage code, membership code, course code',
  ],
  [
    'number',
    'house number, room number, badge number, seat number, bus line, lucky number, locker number, high score, ticket number, apartment number, jersey number, table number',
    'shelf number, postal code',
  ],
  [
    'secret',
    'password, wifi password, pin phrase, secret word, safe word, username, gamer tag, screen name',
    'login name, recovery phrase',
  ],
  [
    'date',
    'deadline, moving day, start date, payday, anniversary, travel date, next checkup, graduation day',
    'vacation start, due date',
  ],
  ['clock', 'lunch time, bed time, train time, meeting time, boarding time', 'gym time'],
  ['color', 'car color, bike color, door color, hair color, eye color, jacket color, kitchen color', 'sofa color'],
  [
    'company',
    'phone provider, insurance company, favorite brand, gym, airline, landlord company, favorite cafe, internet provider',
    'pharmacy, favorite shop',
  ],
  [
    'title',
    'favorite game, favorite song, favorite show, podcast, boat, blog, favorite poem, project, company, bike',
    'favorite opera, novel',
  ],
  [
    'person',
    'middle name, last name, nickname, stage name, favorite actor, favorite singer, favorite author',
    'maiden name, favorite painter',
  ],
  [
    'place',
    'birthplace, holiday town, next stop, favorite lake, street, favorite island, stop on the bus',
    'favorite beach',
  ],
  [
    'food',
    'usual breakfast, favorite snack, favorite dessert, favorite soup, favorite fruit, pizza topping, favorite drink',
    'favorite cake, comfort food',
  ],
  ['animal', 'spirit animal, team mascot', 'lucky animal'],
]

export const people =
  'sister, brother, mom, dad, mother, father, wife, husband, son, daughter, boss, neighbor, best friend, cousin, grandmother, grandfather, roommate, girlfriend, boyfriend, uncle, aunt, teacher, coworker, landlord, partner, dentist'.split(
    ', ',
  )
const pets = 'dog, cat, hamster, parrot, horse, rabbit'.split(', ')

/** Topics of someone around the user. */
function related(who: string, isPet: boolean): Topic[] {
  const name = topic(
    `${who}'s name`,
    'person',
    `my ${who} is called {v}|my ${who}'s name is {v}|{v} is my ${who}|I have a ${who} named {v}|my ${who} {v} says hi||that's {v}, my ${who}`,
    `What is my ${who} called?|What's my ${who}'s name?|Who is my ${who}?||How is my ${who} called?`,
    `Your ${who}'s name is {v}.`,
  )
  const birthday = topic(
    `${who}'s birthday`,
    'date',
    `my ${who}'s birthday is on {v}|my ${who} was born on {v}||we celebrate my ${who} on {v}`,
    `When is my ${who}'s birthday?|When was my ${who} born?||What day was my ${who} born?`,
  )
  const food = topic(
    `${who}'s favorite food`,
    'food',
    `my ${who} loves {v}|my ${who} likes to eat {v}||my ${who} goes crazy for {v}`,
    `What does my ${who} like to eat?|What food does my ${who} love?||What does my ${who} go crazy for?`,
  )
  const age = topic(
    `${who}'s age`,
    'age',
    `my ${who} is {v} years old|my ${who} is {v}||my ${who} just turned {v}`,
    `How old is my ${who}?||What age is my ${who}?`,
    `Your ${who} is {v} years old.`,
    `how old your ${who} is`,
  )
  if (isPet) return [name, birthday, food, age]
  return [
    name,
    birthday,
    food,
    age,
    topic(
      `${who}'s city`,
      'place',
      `my ${who} lives in {v}|my ${who} moved to {v}||my ${who} has a house in {v}`,
      `Where does my ${who} live?|What city is my ${who} in?||Where is my ${who}'s house?`,
      `Your ${who} lives in {v}.`,
      `where your ${who} lives`,
    ),
    topic(
      `${who}'s job`,
      'job',
      `my ${who} is {v}|my ${who} works as {v}||my ${who} makes money as {v}`,
      `What does my ${who} do?|What is my ${who}'s job?||How does my ${who} earn money?`,
      `Your ${who} is {v}.`,
      `what your ${who} does`,
    ),
    topic(
      `${who}'s employer`,
      'company',
      `my ${who} works for {v}|my ${who} works at {v}||my ${who} is employed by {v}`,
      `Who does my ${who} work for?|Where does my ${who} work?||Who employs my ${who}?`,
      `Your ${who} works for {v}.`,
      `who your ${who} works for`,
    ),
    topic(
      `${who}'s phone number`,
      'phone',
      `you can call my ${who} at {v}|my ${who}'s number is {v}||my ${who} picks up at {v}`,
      `What's my ${who}'s number?|How can I call my ${who}?||At what number does my ${who} pick up?`,
    ),
    topic(
      `${who}'s allergy`,
      'food',
      `my ${who} is allergic to {v}|my ${who} can't eat {v}||{v} is poison for my ${who}`,
      `What is my ${who} allergic to?|What can't my ${who} eat?||What is poison for my ${who}?`,
      `Your ${who} is allergic to {v}.`,
      `what your ${who} is allergic to`,
    ),
    topic(
      `${who}'s hobby`,
      'hobby',
      `my ${who} loves {v}|my ${who} enjoys {v}||my ${who} is crazy about {v}`,
      `What does my ${who} enjoy?|What is my ${who}'s hobby?||What is my ${who} crazy about?`,
    ),
  ]
}

const named = (kind: Kind, nouns: string, part: Part): Topic[] =>
  nouns.split(', ').map((noun) => topic(noun, kind, '', '', '', '', part))

/** Everything that is told, asked and corrected; all nouns differ. */
export const topics: readonly Topic[] = [
  ...own,
  ...things.flatMap(([kind, seen, unseen]) => [...named(kind, seen, 'train'), ...named(kind, unseen, 'heldout')]),
  ...people.flatMap((who) => related(who, false)),
  ...pets.flatMap((who) => related(who, true)),
]
/** Topics with wordings of their own, of which people talk most. */
export const ownTopics = own
export const thingTopics = topics.filter(({ tells }) => tells.seen.length === 0)
export const relatedTopics = topics.filter(({ noun }) => noun.includes("'s "))

const owners =
  'cabin, office, work, gym, old, new, second, summer house, laptop, garage, bike, school, hotel, garden, club, backup, boat, parents, studio, guest, phone, tax, car, family, locker, front door, hospital, library, travel, rental'.split(
    ', ',
  )
const unseenOwners = 'attic, warehouse, campsite, spare, museum'.split(', ')
const open: readonly (readonly [Kind, string])[] = [
  ['secret', 'wifi password, password, username, login'],
  ['code', 'code, order number, key code, reference, account number'],
  ['number', 'number, room, budget, price, row'],
  ['date', 'deadline, appointment, inspection, visit, delivery'],
  ['clock', 'pickup time, opening time, meeting, call'],
  ['person', 'contact, manager, teacher, doctor, lawyer, buddy, guide'],
  ['color', 'door color, wall color'],
  ['place', 'location, meeting point, address'],
]

/** A topic with a noun that is made up of words: "cabin wifi password", "old locker code". */
export function openTopic(random: Random, part: Part): Topic {
  const [kind, nouns] = random.pick(open)
  return topic(`${random.pick(part === 'train' ? owners : unseenOwners)} ${random.pick(nouns.split(', '))}`, kind)
}
