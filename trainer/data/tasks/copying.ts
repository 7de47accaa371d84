/** Copying: a string is said again, at once, or out of blanks between which it was told. */
import { count, requires } from '../../../models/config.ts'
import { Draft } from './draft.ts'
import { integers } from './draw.ts'
import { defineTask } from './task.ts'

/** A string and a mark, then the string again, read back (Jelassi et al., "Repeat after me", 2024, arXiv 2402.01032). */
export const copying = defineTask({
  name: 'copying',
  about: 'a string is said again in full, at lengths never trained on',
  fields: {
    letters: count(26, 'tokens that strings are made of', 2),
    length: count(50, 'letters of the string, at most'),
    shortest: count(0, 'letters at least, drawn evenly up to `length`; 0: always `length`', 0),
  },
  check: (o) => requires(o.shortest <= o.length, `copying.shortest: expected at most ${o.length}, got ${o.shortest}`),
  vocabulary: (o) => o.letters + 1,
  chance: (o) => ({ blind: o.letters ** -o.length, told: o.letters ** -o.length }),
  generate(random, o) {
    const letters = integers(random, 0, o.letters, o.shortest === 0 ? o.length : random.between(o.shortest, o.length))
    const draft = new Draft()
    draft.push(...letters, o.letters)
    draft.answer(letters, letters.length)
    return draft.done()
  },
  grid: [10, 25, 50, 100, 200].map((length) => ({ length })),
})

/** Selective copying of the MAD suite: letters among blanks, then a mark and as many blanks to be filled (see recall.ts). */
export const selectiveCopying = defineTask({
  name: 'selective-copying',
  about: 'letters are told among blanks and said again in order (MAD)',
  fields: {
    vocabulary: count(16, 'tokens: letters, the blank and the mark', 4),
    length: count(256, 'tokens of a sequence', 4),
    letters: count(16, 'letters to be copied'),
  },
  check: (o) =>
    requires(
      o.length > 2 * o.letters + 1,
      `selective-copying.length: expected more than ${2 * o.letters + 1}, got ${o.length}`,
    ),
  vocabulary: (o) => o.vocabulary,
  chance: (o) => ({ blind: 1 / (o.vocabulary - 2), told: 1 / (o.vocabulary - 2) }),
  generate(random, o) {
    const [blank, mark] = [o.vocabulary - 2, o.vocabulary - 1]
    const letters = integers(random, 0, blank, o.letters)
    const before = letters.map(() => 0)
    for (const gap of integers(random, 0, o.letters, o.length - 2 * o.letters - 1)) before[gap]!++
    const draft = new Draft()
    const toldAt = letters.map((letter, i) => {
      draft.push(...Array.from({ length: before[i]! }, () => blank), letter)
      return draft.length - 1
    })
    draft.push(mark)
    for (const [i, letter] of letters.entries()) {
      draft.push(blank)
      draft.answer([letter], draft.length - 1 - toldAt[i]!)
    }
    return draft.done()
  },
  grid: [128, 256, 512].map((length) => ({ length })),
})

/**
 * Compression of the MAD suite, as far as a decoder can do it: random letters and a mark, then all of them again out of
 * blanks. (MAD decodes the last hidden vector with a feed-forward network of its own, so its numbers are of another task.)
 */
export const compression = defineTask({
  name: 'compression',
  about: 'random letters and a mark, then all letters again from the state alone (after MAD)',
  fields: {
    vocabulary: count(16, 'tokens: letters, and the mark that is read while answering', 3),
    length: count(32, 'letters and the mark', 2),
  },
  vocabulary: (o) => o.vocabulary,
  chance: (o) => ({ blind: 1 / (o.vocabulary - 1), told: 1 / (o.vocabulary - 1) }),
  generate(random, o) {
    const mark = o.vocabulary - 1
    const letters = integers(random, 0, mark, o.length - 1)
    const draft = new Draft()
    draft.push(...letters)
    for (const [i, letter] of letters.entries()) {
      draft.push(mark)
      draft.answer([letter], draft.length - 1 - i)
    }
    return draft.done()
  },
  grid: [16, 32, 64].map((length) => ({ length })),
})
