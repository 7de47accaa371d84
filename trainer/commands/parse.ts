/** Values of options on the command line. */
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

/** Reads a number from `least` to `most`. */
export function realNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() === '' || !(value >= least && value <= most))
      throw new InvalidArgumentError(`Expected a number from ${least} to ${most}.`)
    return value
  }
}

/** A share from 0 to below 1. */
export function share(text: string): number {
  const value = Number(text)
  if (text === '' || !(value >= 0 && value < 1)) throw new InvalidArgumentError('Expected 0 to below 1.')
  return value
}

/** A path. An option in its place was meant as an option: `--data --out RUN` forgot the data. */
export function path(text: string): string {
  if (text.startsWith('-'))
    throw new InvalidArgumentError(`Expected a path, got the option ${text}; a file of that name is ./${text}.`)
  if (text === '') throw new InvalidArgumentError('Expected a path, got nothing.')
  return text
}

/** Paths one after another. */
export const paths = (text: string, before: readonly string[] | undefined): string[] => [...(before ?? []), path(text)]
