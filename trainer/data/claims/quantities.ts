/** Topics whose values are counted or measured. */
import type { Random } from '../../random.ts'
import { topic, type Topic } from '../notes/topic.ts'

const lines = `
running distance;I run {v} km every morning|my morning run is {v} km|I jog {v} kilometers before work||my lap is {v} kilometres;How far do I run?|How many km do I run?;You run {v} km.;how far you run
guests;we invited {v} people to the party|{v} guests are coming|there will be {v} of us||{v} people said yes to the party;How many people did we invite?|How many guests are coming?;You invited {v} people.;how many people you invited
brothers;I have {v} brothers|I grew up with {v} brothers||there are {v} boys beside me;How many brothers do I have?;You have {v} brothers.;how many brothers you have
cups of coffee;I drink {v} cups of coffee a day|{v} cups of coffee a day keep me going||I need {v} cups of coffee;How many cups of coffee do I drink?;You drink {v} cups of coffee a day.;how much coffee you drink
hours of work;I work {v} hours a week|my week has {v} hours of work||I am paid for {v} hours a week;How many hours do I work?;You work {v} hours a week.;how long you work
floor;my office is on floor {v}|I live on floor {v}|our flat is on floor {v}||you find me on floor {v};Which floor am I on?|On which floor is it?;It is on floor {v}.;which floor it is
bus;I take bus {v} to work|bus {v} brings me home||I ride on line {v};Which bus do I take?|What's my bus?;You take bus {v}.;which bus you take
books;I read {v} books last year|{v} books is what I read in a year||I got through {v} books;How many books did I read?;You read {v} books.;how many books you read
hens;we keep {v} hens|there are {v} hens in my garden||{v} hens live behind our house;How many hens do we keep?;You keep {v} hens.;how many hens you keep
rooms;our house has {v} rooms|I clean {v} rooms||there are {v} rooms in our flat;How many rooms do we have?;Your house has {v} rooms.;how many rooms you have
percent;I save {v} percent of my pay|{v} percent of my pay goes to the bank||I put {v} percent of my pay aside;How much of my pay do I save?;You save {v} percent of your pay.;how much you save
budget;I can spend {v} euros|{v} euros is my limit|I have {v} euros for it||{v} euros is all I have for it;What can I spend?|What's my limit?;You can spend {v} euros.;how much you can spend
rent;my rent is {v} dollars|I pay {v} dollars for the flat||the flat costs me {v} dollars;What's my rent?|What do I pay for the flat?;Your rent is {v} dollars.;what your rent is
rent day;rent is due on the {v}th|I pay the rent on the {v}th||the rent goes out on the {v}th;When do I pay the rent?|When is rent due?;Your rent is due on the {v}th.;when your rent is due
train;my train leaves at {t}|the train goes at {t}||I catch the train at {t};When does my train leave?|What time is my train?;Your train leaves at {t}.;when your train leaves
dinner;dinner is at {t}|we eat at {t}||the table is booked for {t};When is dinner?|What time do we eat?;Dinner is at {t}.;when dinner is
alarm;my alarm rings at {c}|I get up at {c}|I wake up at {c}||I am out of bed at {c};When do I get up?|When does my alarm ring?;You get up at {c}.;when you get up
checkup;my checkup is on {d}|the checkup was set for {d}|I see the doctor {d}||they gave me {d} for the checkup;When is my checkup?|When do I see the doctor?;Your checkup is on {d}.;when your checkup is
wedding;we got married on {d}|our wedding was on {d}|I married on {d}||we said yes on {d};When did we marry?|When is our anniversary?;You got married on {d}.;when you got married
exam;my exam is on {d}|the exam takes place {d}|I sit the exam on {d}||the test is set for {d};When is my exam?|When do I sit the exam?;Your exam is on {d}.;when your exam is
graduation;I finished school in {y}|I graduated in {y}|I got my degree in {y}||my last school year was {y};When did I finish school?|What year did I graduate?;You graduated in {y}.;when you graduated
birth year;I was born in {y}|my year of birth is {y}|born in {y} here||I came into the world in {y};What year was I born?|When was I born?;You were born in {y}.;when you were born
age;I'm {v}|I am {v} years old|I turned {v} last week|{v} years old here||I have been around for {v} years;How old am I?|What's my age?;You are {v} years old.;how old you are
son's age;my son is {v}|our boy just turned {v}|my son is {v} years old||our boy is {v} by now;How old is my son?|How old is our boy?;Your son is {v} years old.;how old your son is
dog's age;my dog is {v}|the dog is {v} years old||our dog turned {v};How old is my dog?;Your dog is {v} years old.;how old your dog is
`

const KINDS = { '{v}': 'age', '{c}': 'clock', '{t}': 'clock', '{d}': 'date', '{y}': 'age' } as const

const DRAWN: Readonly<Record<string, (random: Random) => string>> = {
  '{y}': (random) => `${random.between(1950, 2029)}`,
  '{t}': (random) => `${random.between(13, 23)}:${random.pick(['00', '15', '25', '30', '40', '45', '50'])}`,
}

export interface Quantity extends Topic {
  /** Draws what `kind` has no values of: years, and times of 24 hours. */
  readonly draw?: (random: Random) => string
}

export const quantities: readonly Quantity[] = lines
  .trim()
  .split('\n')
  .map((line) => {
    const [noun = '', tells = '', asks = '', says = '', untold = ''] = line.split(';')
    const [mark] = /\{[vctdy]\}/u.exec(tells)! as unknown as [keyof typeof KINDS]
    const plain = (text: string): string => text.replaceAll(mark, '{v}')
    return {
      ...topic(noun, KINDS[mark], plain(tells), asks, plain(says), untold),
      own: 1,
      ...(DRAWN[mark] && { draw: DRAWN[mark] }),
    }
  })
