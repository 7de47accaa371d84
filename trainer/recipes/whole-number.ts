/** Whole numbers on the command line. */
import { InvalidArgumentError } from 'commander'

/** Reads an option's value; refuses what is not a whole number from `least` to `most`. */
export function wholeNumber(least = 0, most = Infinity): (text: string) => number {
  const expected =
    most < Infinity ? `${least} to ${most}` : least > 0 ? `a whole number above ${least - 1}` : 'a whole number'
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || value > most) throw new InvalidArgumentError(`Expected ${expected}.`)
    return value
  }
}
