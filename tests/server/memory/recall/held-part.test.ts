/** What is quoted of a correction: the part of it that still holds. */
import { expect, test } from 'vitest'
import { heldPart } from '../../../../server/memory/recall/held-part.ts'
import { readQuestion } from '../../../../server/memory/recall/question.ts'

test.each([
  [
    'what upsets my stomach?',
    'Gluten sets it off',
    "dietician reckons it's onions, not gluten",
    "dietician reckons it's onions",
  ],
  [
    'where are we meeting?',
    "we're meeting at the Red Lion",
    'Red Lion is full, so the Anchor instead',
    'the Anchor instead',
  ],
  ['how much rent do I pay?', 'Rent is 780', 'Rent went from 780 to 820 in May', 'Rent went to 820 in May'],
  [
    'where is the present hidden?',
    'I have hidden the gift for my wife behind the washing machine',
    'By luck I was faster, gift is in the garage now, inside the paint bucket.',
    'By luck I was faster, gift is in the garage now, inside the paint bucket.',
  ],
  [
    "what do I dial to get the doctor's?",
    'The telephone number for the surgery is 01632 960114.',
    'The end of it is 0141, so 01632 960141, not 01632 960114.',
    'The end of it is 0141, so 01632 960141.',
  ],
  [
    'what date is the release?',
    'release train leaves on the 28th',
    'PO panicked, release slipped from the 28th to the 31st',
    'PO panicked, release slipped to the 31st',
  ],
  ['when is my birthday?', 'my birthday is May 3', "that's wrong, it's May 13", "that's wrong, it's May 13"],
  ['which level do I park on?', 'I park on level 3', "level 3 is closed, I'm on 5", "I'm on 5"],
  ["who's got my Dune?", 'Bex has my copy of Dune', 'Bex passed it to Aoife', 'passed it to Aoife'],
  [
    'where do I live?',
    'We live in Orchard Lane',
    'Lindgren took a chair in Oslo, so we moved to Quarry Hill',
    'Lindgren took a chair in Oslo, so we moved to Quarry Hill',
  ],
  [
    'what milk do I take?',
    'I take it with oat milk, from Juno',
    "The code didn't work and oat gives me pains and the owner says it's soy",
    "The code didn't work and the owner says it's soy",
  ],
  [
    'which chemist do we go to?',
    'the pharmacy we use is Boots',
    'We go to Well Pharmacy instead of Boots these days, they deliver',
    'We go to Well Pharmacy, they deliver',
  ],
  [
    'what street do I live in?',
    'I live with three people in Via Garibaldi 40',
    'I am now in Via Zamboni with only one girl',
    'I am now in Via Zamboni with only one girl',
  ],
  [
    'what vegetable am I showing?',
    "I've entered my marrow for the show",
    'I shall enter the onions in its stead',
    'I shall enter the onions in its stead',
  ],
  [
    'what sport do I do?',
    'Every evening I run in the park',
    'knee is finish, so instead of run I go swim',
    'knee is finish, so I go swim',
  ],
  [
    'what do they call me on the CB?',
    'my CB handle is Mudflap',
    'No more Mudflap, everybody calls me Biscuits now',
    'everybody calls me Biscuits now',
  ],
  [
    'how much is flat 2 a month?',
    'The tenant in flat 2 pays 725',
    'the rent on flat 2 goes up from 725 to 760',
    'the rent on flat 2 goes up to 760',
  ],
  [
    'how many bags have I ordered?',
    'two bulk bags',
    'it was three bags I ordered not two',
    'it was three bags I ordered',
  ],
  ['which days do I work?', 'mondays and thursdays', 'days are tuesdays and fridays', 'days are tuesdays and fridays'],
  [
    "where's handover?",
    'Handover is in the blue room',
    "it's the family room tonight, blue one's got a leak",
    "it's the family room tonight",
  ],
  [
    'what position am I going for?',
    'im trying out for goalie on friday',
    'coach says im too short lol so trying out for left wing',
    'coach says im too short lol so trying out for left wing',
  ],
  [
    "what's my dose?",
    'I take 50 mg of sertraline in the morning.',
    "She put me up from 50 to 75 at yesterday's appointment.",
    "She put me up to 75 at yesterday's appointment.",
  ],
  [
    'what strength lenses do I need?',
    'I wear contact lenses, minus 3.25 both eyes',
    "I've gone from 3.25 up to minus 3.75",
    "I've gone up to minus 3.75",
  ],
  ['How much is my rent?', 'Rent is 900.', 'It was 900 until August, 940 since September.', '940 since September.'],
  [
    'Who is going to operate on me?',
    'Surgery will be done by Dr Halloran.',
    "Dr Halloran's on leave, so Dr Iyer is doing it.",
    'Dr Iyer is doing it.',
  ],
  [
    'What language am I learning?',
    "I'm learning Italian on my phone.",
    'Dropped Italian for Portuguese because of the new job.',
    'Portuguese because of the new job.',
  ],
  [
    "who's my favourite footballer?",
    'My favourite player is Saka.',
    'rice is my fav now saka is always injured',
    'rice is my fav now',
  ],
  [
    'where do I work?',
    'got a job at the bakery on elm road',
    'so the bakery thing lasted 4 days lmao. i work at the cinema now',
    'i work at the cinema now',
  ],
  ['who am i revising chem with?', 'revising for chem with priya', 'priya bailed, so jess', 'jess'],
  [
    'what job do i want?',
    'gonna be a vet when im done w school',
    'no more vet for me but im gonna be a marine biologist instead',
    'im gonna be a marine biologist instead',
  ],
  ['who is my dentist?', 'Dr Iyer is my dentist', 'Dr Iyer was really rude so I see Dr Moss', 'I see Dr Moss'],
  [
    'what do I drive?',
    'I drive a Polo',
    'I left the Polo with my brother by the station and drive a Yaris',
    'drive a Yaris',
  ],
  [
    'who looks after the dog?',
    'Ana looks after the dog',
    'I left Ana with the dog for one more week',
    'I left Ana with the dog for one more week',
  ],
  ['when does it open?', 'the gate code is 1', 'it opens at six, not before', 'it opens at six, not before'],
])('%s %j, then %j: what holds is said', (question, said, next, shown) => {
  expect(heldPart(readQuestion(question, true)!, [said], next)).toBe(shown)
})
