/** People's questions and sentences, compared with the bundled embedder as a server does. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadBundle } from '../../../../runtime/bundle.ts'
import { openEmbedder, type Embedder } from '../../../../runtime/embedder.ts'
import { DEFAULT_EMBEDDER } from '../../../../server/cli.ts'
import { answers, LEAST_SURE } from '../../../../server/memory/recall/answers.ts'
import { readQuestion } from '../../../../server/memory/recall/question.ts'

let embedder: Embedder
beforeAll(async () => {
  embedder = await openEmbedder(await loadBundle(DEFAULT_EMBEDDER))
})
afterAll(() => embedder.close())

async function sure(asked: string, told: string): Promise<number> {
  const [question, sentence] = await embedder.embed([asked, told].map((text) => embedder.encode(text)))
  const similarity = question!.reduce((sum, x, at) => sum + x * sentence![at]!, 0)
  return answers(readQuestion(asked, true)!, { text: told, topic: null, similarity })
}

describe('sentences that answer a question', () => {
  test.each([
    ['when is the boiler being serviced', 'the boiler gets a service on the 3rd'],
    ['who waters my tomatoes?', 'Marta watered the tomatoes all summer'],
    ['what film do I like best?', 'best movie ever: Paddington 2'],
    ['how many tortoises do we keep?', 'we have kept four tortoises since spring'],
    ["what's the landlord's email?", 'the landlord writes from j.r@flats.example, mail him there'],
    ['am I vegan or vegetarian?', 'vegetarian since 2019, by the way'],
    ['what do I drive?', "I've driven a Volvo for years"],
    // Other words that mean the same.
    ['where did I plant my roses?', 'The roses went into the bed along the fence this year'],
    ['what tool did I lend to Marek?', 'Marek borrowed my drill on Sunday'],
    ['which instrument am I learning?', 'started cello lessons in spring'],
    ['who is fixing our roof?', 'Ludmila is repairing the roof from Monday'],
    ['what date is our anniversary?', 'our silver wedding is on the 9th of May'],
    ['Insulin pens, where are they?', 'I keep my insulin pens in the fridge door'],
  ])('%s: %s', async (asked, told) => {
    expect(await sure(asked, told)).toBeGreaterThanOrEqual(LEAST_SURE)
  })

  test.each([
    ['when does the shop close?', 'the shop opens at nine'],
    ['when does my train leave?', 'my train leaves from platform 9'],
    ["what's the landlord's phone number?", 'the landlord came by on Monday'],
    ["what's my neighbour's name?", 'my neighbour is noisy'],
    ['how old is my mother?', 'my grandmother is 91'],
    ["what is my boss's phone number?", "the plumber's phone number is 555 0143 22"],
    ['where was I born?', 'I was born in 1990'],
    ['what is my flight number?', "In the film, the hero's flight number is P1"],
    ['what is my name?', 'my name'],
    // Something else of the same person or thing.
    ['how old is my dog?', 'My dog weighs 12 kilos'],
    ["what's my passport number?", 'Passport expires in 2029'],
    ["what's the cat's name?", "our neighbour Halina feeds the cat when we're away"],
    ['when is the meeting?', 'the meeting room is called Pegasus'],
    ['what is my street?', 'I live in Turin'],
    ["what's my surname?", "I'm Beata"],
    ['where was grandma born?', 'Grandpa Otto was born in Graz'],
    ['which colour is his van?', 'he has a big van'],
    ["what's my ex called?", 'my ex moved to Cádiz with the dog'],
    ["what's aunt Vera's husband called?", 'aunt Vera sells candles in York'],
    // A number, a name or a date of another kind.
    ['who am I going to Rome with?', 'Tickets booked, Rome in June'],
    ['what time does the play start?', 'the play is on March 6'],
    ['how many coins do I own?', 'I collect coins from before 1900'],
    ['how old is my wife?', "my wife's birthday is on 2 November"],
    ["what's the booking reference for the hotel?", 'Booked the hotel in Delft for us'],
  ])('none for %s: %s', async (asked, told) => {
    expect(await sure(asked, told)).toBeLessThan(LEAST_SURE)
  })
})

test('a misspelt word has little meaning to an embedder: by words alone it answers, by both it comes near', async () => {
  const [asked, told] = ['where did I leave my sunglases?', 'left my sunglasses in the blue bag']
  expect(answers(readQuestion(asked)!, { text: told, topic: null })).toBeGreaterThanOrEqual(LEAST_SURE)
  expect(await sure(asked, told)).toBeGreaterThan(0.15)
})

test.each([
  ['which knee was it?', 'my knee surgery went fine'],
  ['what festival are we going to?', 'a tent arrived for the festival, so bright that we find it drunk'],
])('%s is not surely answered by what does not say which: %s', async (asked, told) => {
  expect(await sure(asked, told)).toBeLessThan(0.7)
})

test('of sentences with the same words, that which is nearer in meaning is surer', () => {
  const said = { text: 'the choir meets on Mondays at the town hall', topic: null }
  const [near, far] = [0.8, 0.2].map((similarity) =>
    answers(readQuestion('where does my choir sing?')!, { ...said, similarity }),
  )
  expect(near).toBeGreaterThan(far!)
})

describe('questions', () => {
  test.each(['Who is the president of France?', 'when does the ferry go'])('of the world or of no one: %s', (text) => {
    expect(readQuestion(text)?.isOwn).toBe(false)
  })

  test.each([
    'uh what do I punch in to get into the clinic',
    'kindly tell me where I have kept the PAN card',
    'so whereabouts in the house did I put the cage',
    'yo whats my locker code',
    'locker combination pls',
    'remind me of my wifi password',
    "I want to ring her, what's my aunt's number?",
    'name of our hamster',
    'garage door code',
    'need my badge no. for the form',
    'my best song is what',
    'What can Zofia not eat?',
    'why was I put on warfarin?',
    'The pharmacist wants to know what I react badly to',
  ])('without a question mark, or after something else: %s', (text) => {
    expect(readQuestion(text)).not.toBeNull()
  })

  test.each([
    "what's my sister's job",
    'do you remember where I parked?',
    'so who did we meet in Rome?',
    'how long is she staying?',
    "what was grandad's ship called?",
  ])('of the user: %s', (text) => {
    expect(readQuestion(text)?.isOwn).toBe(true)
  })

  test.each([
    'I live in Oslo.',
    "I'm fine, and you?",
    'how can I fix my bike?',
    'what should we cook?',
    'hi there',
    'can you help me?',
    'great name',
    'happy birthday',
    'I got a new number',
    'the code is 4471',
    'why is the sky blue?',
    'my sister needs a new car',
    'had my left knee operated on in february',
  ])('none that could have been told: %s', (text) => {
    expect(readQuestion(text)?.isOwn ?? false).toBe(false)
  })
})
