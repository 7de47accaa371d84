/** What people say that has nothing to do with notes: the world, small talk, tasks. The base model's own replies are learned. */

const list = (text: string): string[] => text.split(',').map((part) => part.trim())
const each = (stems: string, subjects: string): string[] =>
  stems.split('|').flatMap((stem) => list(subjects).map((subject) => stem.trim().replace('{x}', subject)))

const countries =
  'France, Japan, Brazil, Kenya, Norway, Peru, Egypt, Canada, Vietnam, Portugal, Mexico, Greece, Poland, Chile'
const animals = 'a whale, a bee, an owl, a snake, a horse, an octopus, a penguin, a bat'
const things =
  'photosynthesis, gravity, a volcano, inflation, the internet, a black hole, DNA, evaporation, democracy, electricity, a vaccine, an algorithm'
const dishes = 'an omelette, pancakes, tomato soup, rice, a salad, bread, pasta'
const skills = 'the guitar, chess, swimming, a new language, drawing, touch typing'
const people =
  'Albert Einstein, Marie Curie, Leonardo da Vinci, Nelson Mandela, Mozart, Cleopatra, Isaac Newton, Ada Lovelace'
const subjects = 'the sea, autumn, friendship, coffee, the moon, trains, books'
const words = 'happy, big, cold, quick, begin, difficult, quiet'

/** Questions and requests, each once. */
export const plainPrompts: readonly string[] = [
  ...each('What is the capital of {x}? | Which language do people speak in {x}? | Name a river in {x}.', countries),
  ...each('What does {x} eat? | How long does {x} live? | Tell me one fact about {x}.', animals),
  ...each('What is {x}? | Explain {x} to a child. | Why does {x} matter?', things),
  ...each('How do I make {x}? | What goes well with {x}?', dishes),
  ...each('How can I learn {x}? | Is it hard to learn {x}?', skills),
  ...each('Who was {x}? | What is {x} known for?', people),
  ...each('Write a short poem about {x}. | Write one sentence about {x}.', subjects),
  ...each('What is the opposite of {x}? | Give me a synonym of {x}. | Use the word "{x}" in a sentence.', words),
  ...each('What is {x}?', '2 + 2, 7 times 8, 100 minus 36, half of 90, 15 + 27, the square root of 81'),
  ...each(
    'How many {x}?',
    'days are in a week, minutes are in an hour, legs does a spider have, continents are there, grams are in a kilogram, players are in a football team',
  ),
  ...each(
    'Translate "{x}" into Spanish.',
    'good morning, thank you, where is the station, I am hungry, see you tomorrow, the book is red',
  ),
  ...each(
    'Give me three tips for {x}.',
    'sleeping better, saving money, a job interview, staying focused, growing tomatoes, packing light, public speaking',
  ),
  ...each(
    'Name three {x}.',
    'fruits, planets, musical instruments, colors, sports, kinds of trees, board games, spices, operating systems',
  ),
  ...each(
    'Write a Python function that {x}.',
    'adds two numbers, reverses a string, checks whether a number is even, counts the vowels of a word',
  ),
  ...each(
    '{x}',
    'Hi, Hello!, Hey there, Good morning, Good evening!, How are you?, Thanks!, Thank you so much, Bye, See you later, ' +
      'What can you do?, Who are you?, What is your name?, Are you a robot?, Who made you?, Tell me a joke, Tell me a story, ' +
      'I am bored, I am tired today, It is raining again, What a lovely day, I feel a bit sad, I had a long day at work, ' +
      'Can you help me?, I have a question, That is funny, Nice, Okay, Great, Never mind, What should I cook tonight?, ' +
      'What should I read next?, Do you like music?, What is love?, Cheer me up, Say something nice, Good night',
  ),
  ...each(
    '{x}',
    'Why is the sky blue?, Why do cats purr?, How do planes fly?, Who painted the Mona Lisa?, When did the second world war end?, ' +
      'What is the largest ocean?, What is the tallest mountain?, How far away is the moon?, Why do we dream?, What causes tides?, ' +
      'How does a fridge work?, What is the boiling point of water?, Who wrote Hamlet?, What is the speed of light?, ' +
      'Why do leaves change color?, How do bees make honey?, What is the smallest country?, Where do penguins live?, ' +
      'What is the fastest animal?, How is glass made?, When was the printing press invented?, What is a haiku?, ' +
      'What is the difference between a lake and a pond?, How do I tie a tie?, How do I remove a coffee stain?, ' +
      'How do I write a cover letter?, What is a good name for a goldfish?, Is a tomato a fruit?, What time is it in space?, ' +
      'Summarize the story of Cinderella., Describe a sunset., List the primary colors., Correct this sentence: he go to school., ' +
      'What is my purpose in life?, Should I buy a bike or a car?, What makes a good friend?, Give me a riddle.',
  ),
]
