/** Sentences and values of the critic's generated items, for the part that rules may be tuned on and the held-out part. */

export type Part = 'first' | 'held'
type Both = Readonly<Record<Part, readonly string[]>>

/** An attribute of the user: values, and how it is told, asked for and said. `{}` is the value. */
export interface Attribute {
  readonly name: string
  readonly values: Both
  readonly tellings: Both
  readonly questions: Both
  readonly replies: Both
  readonly paraphrases: Both
}

const code = (name: string, first: readonly string[], held: readonly string[]): Attribute => ({
  name,
  values: { first, held },
  tellings: {
    first: [`My ${name} is {}.`, `my ${name}'s {}`],
    held: [`Please keep in mind that my ${name} is {}.`, `The ${name} they gave me is {}.`],
  },
  questions: {
    first: [`What is my ${name}?`],
    held: [`Can you remind me what my ${name} is?`, `what was my ${name} again?`],
  },
  replies: {
    first: [`Your ${name} is {}.`, 'It is {}.'],
    held: [`Okay, your ${name} is {}.`, '{}.', `Sure! It's {}.`],
  },
  paraphrases: {
    first: [`You told me that your ${name} is {}.`],
    held: [`If I remember correctly, your ${name} is {}.`, `According to my notes, your ${name} is {}.`],
  },
})

export const ATTRIBUTES: readonly Attribute[] = [
  code('locker code', ['4071', '8823', '1950'], ['6214', '3907', '7538', '2146']),
  code('room number', ['312', '107', '450'], ['218', '541', '903']),
  code('wifi password', ['blue-heron-7', 'sunnyside88'], ['gr4nite_peak', 'tulip-Field-3', 'maple!moon']),
  code('favorite color', ['teal', 'crimson', 'navy'], ['lilac', 'ochre', 'burnt orange', 'mint green']),
  code('phone number', ['555-0134', '555-0178'], ['+44 20 7946 0321', '+44 20 7946 0958']),
  code(
    'email',
    ['ann@x.example', 'bo@y.example'],
    ['rosa.k@mail.example', 'rosa_k@mail.example', 'r.kent@post.example'],
  ),
  {
    name: 'name',
    values: { first: ['Anna', 'Tobias', 'Marit'], held: ['Zeynep', 'Chidi', 'Zoë', 'Mary-Jane'] },
    tellings: { first: ['My name is {}.', "I'm {}."], held: ['People call me {}.', "Hey there, name's {}."] },
    questions: { first: ["What's my name?"], held: ['Who am I?', 'Do you remember what I am called?'] },
    replies: { first: ['Your name is {}.'], held: ['You are {}.', "Of course, you're {}!"] },
    paraphrases: { first: ['You told me your name is {}.'], held: ['You said that your name is {}.'] },
  },
  {
    name: 'home',
    values: { first: ['Oslo', 'Bergen', 'Graz'], held: ['Nagoya', 'San Sebastián', 'Leeds', 'Ouagadougou'] },
    tellings: { first: ['I live in {}.'], held: ['I moved to {} last spring.', "I'm living in {} these days."] },
    questions: { first: ['Where do I live?'], held: ['Which city do I live in?', 'Do you know where I live?'] },
    replies: { first: ['You live in {}.'], held: ['You are living in {}.', 'You live in {}, as you told me.'] },
    paraphrases: { first: ['You told me that you live in {}.'], held: ['As far as I know, you live in {}.'] },
  },
  {
    name: 'birthday',
    values: { first: ['May 3rd', '12 June', 'March 9'], held: ['the 21st of August', 'November 30', '7 January'] },
    tellings: { first: ['My birthday is {}.'], held: ['I celebrate my birthday on {}.', 'my bday is {}'] },
    questions: { first: ['When is my birthday?'], held: ["What date's my birthday?", 'when was I born?'] },
    replies: { first: ['Your birthday is {}.'], held: ['Your birthday is on {}.', "It's on {}."] },
    paraphrases: { first: ['You said your birthday is {}.'], held: ['From what you told me, your birthday is {}.'] },
  },
  {
    name: 'job',
    values: { first: ['teacher', 'nurse', 'baker'], held: ['bricklayer', 'tax lawyer', 'beekeeper'] },
    tellings: {
      first: ['I am a {}.', 'I work as a {}.'],
      held: ['I make my living as a {}.', "I've been a {} for years."],
    },
    questions: { first: ['What is my job?'], held: ['What do I do for a living?', 'What do I work as?'] },
    replies: { first: ['You work as a {}.'], held: ['You are a {}.', 'Your job is {}.'] },
    paraphrases: { first: ['You told me you are a {}.'], held: ['You mentioned that you work as a {}.'] },
  },
]

export const BEINGS = {
  first: {
    subjects: ['sister', 'brother', 'dog'],
    names: ['Ida', 'Lars', 'Rex', 'Mona'],
    tellings: ["My {who}'s name is {}."],
    questions: ["What is my {who}'s name?"],
    replies: ["Your {who}'s name is {}."],
  },
  held: {
    subjects: ['mother', 'roommate', 'cat', 'cousin'],
    names: ['Oluwaseun', 'Pixel', 'Ingrid', 'José', 'Fern'],
    tellings: ['My {who} is called {}.', '{} is the name of my {who}.'],
    questions: ['What is my {who} called?', "Do you recall my {who}'s name?"],
    replies: ['Your {who} is called {}.', "That's {}.", 'Sure, your {who} is {}.'],
  },
} satisfies Record<Part, Record<string, readonly string[]>>

export const DENIALS: Both = {
  first: ['You have not told me {what}.', "I don't know {what}."],
  held: [
    "I'm sorry, but you never mentioned {what} to me.",
    'I have no record of {what}.',
    "You haven't shared {what} with me yet.",
  ],
}

export const SMALL_TALK: Readonly<Record<Part, readonly { readonly question: string; readonly reply: string }[]>> = {
  first: [
    { question: 'Hi!', reply: 'Hello! How can I help?' },
    { question: 'Thanks!', reply: "You're welcome!" },
    { question: 'What is the capital of Peru?', reply: 'The capital of Peru is Lima.' },
  ],
  held: [
    { question: 'Good evening', reply: 'Good evening! What can I do for you?' },
    { question: 'How far away is the moon?', reply: 'The moon is about 384,400 kilometres away.' },
    { question: 'I had a long day.', reply: 'I hope you get some rest tonight.' },
    { question: 'Who wrote Dracula?', reply: 'Dracula was written by Bram Stoker in 1897.' },
    { question: 'Tell me a joke', reply: 'Why did the scarecrow win a prize? He was outstanding in his field.' },
  ],
}
