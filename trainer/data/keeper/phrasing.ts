/** How things are said in a keeper chat: `{a}` is what it is about, `{v}` its value. A fifth is never shown in training. */

/** Which wordings: those of training, or those kept for the evaluation. */
export type Wording = 'seen' | 'unseen'

type Phrasings = Readonly<Record<Wording, readonly string[]>>

/** First mention of a fact. The value follows a space and what it is about, always. */
export const tells: Phrasings = {
  seen: [
    'My {a} is {v}.',
    'my {a} is {v}',
    'By the way, my {a} is {v}.',
    'Please remember that my {a} is {v}.',
    'Remember: my {a} is {v}.',
    'Just so you know, my {a} is {v}.',
    'I want you to know that my {a} is {v}.',
    'Note that my {a} is {v}.',
    'For later: my {a} is {v}.',
    'Keep in mind that my {a} is {v}.',
    'Oh, and my {a} is {v}.',
    'I should mention that my {a} is {v}.',
    'My {a} will be {v}.',
    'You should know that my {a} is {v}.',
  ],
  unseen: [
    "Don't forget that my {a} is {v}.",
    'Here is something to keep: my {a} is {v}.',
    'Write down that my {a} is {v}.',
  ],
}

/** A new value for a fact already told. */
export const corrections: Phrasings = {
  seen: [
    'Actually, my {a} is {v}.',
    'Correction: my {a} is {v}.',
    'My {a} is now {v}.',
    'My {a} changed to {v}.',
    'I was wrong, my {a} is {v}.',
    'Please change my {a} to {v}.',
    'Sorry, my {a} is really {v}.',
    'Update: my {a} is {v}.',
    'No, my {a} is {v}.',
    'My new {a} is {v}.',
    'It turns out that my {a} is {v}.',
  ],
  unseen: ['Scratch that, my {a} is {v}.', 'I made a mistake, my {a} is {v}.', 'From today my {a} is {v}.'],
}

export const questions: Phrasings = {
  seen: [
    'What is my {a}?',
    "What's my {a}?",
    'what is my {a}',
    'Tell me my {a}.',
    'Do you remember my {a}?',
    'Can you tell me my {a}?',
    'I forgot my {a}. What is it?',
    'Remind me of my {a}.',
    'Do you know my {a}?',
    'I need my {a}.',
    'Could you repeat my {a}?',
    'What was my {a} again?',
    'Say my {a}, please.',
    'My {a}?',
    'Which {a} did I tell you?',
    'What did I say about my {a}?',
  ],
  unseen: [
    'Please look up my {a}.',
    'Quick check: what is my {a}?',
    'Which one is my {a}?',
    'What do you have as my {a}?',
  ],
}

/** Said before a statement or a question now and then. */
export const leads = [
  'Hey,',
  'Okay,',
  'So,',
  'And',
  'Now,',
  'Also,',
  'Please,',
  'One more thing:',
  'Hi,',
  'Listen,',
] as const

/** Joins several facts in one message. */
export const clause = 'my {a} is {v}'

/** What the assistant says; it has no wordings of its own to be kept for the evaluation. */
export const replies = {
  noted: ['Noted.', 'Got it.', 'Okay, I will remember that.'],
  echoed: ['Got it, your {a} is {v}.', 'Okay, your {a} is {v}.'],
  corrected: ['Okay, I changed that.', 'Updated.'],
  correctedEcho: ['Okay, your {a} is now {v}.'],
  answer: ['Your {a} is {v}.', 'It is {v}.'],
  unknown: ["I don't know your {a}.", 'You have not told me your {a}.'],
} as const
