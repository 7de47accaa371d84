/** Says which parameters are not trained. */
import type { Model } from '../../models/architecture.ts'
import type { Recipe } from '../recipes/recipe.ts'

/** Paths that differ in one number only as one: blocks.{0,1}.memory.write.token. */
export function joined(paths: readonly string[]): string {
  const groups = new Map<string, string[]>()
  for (const path of paths) {
    const [, before = path, number, after = ''] = /^(.*?\.)(\d+)(\..*|)$/.exec(path) ?? []
    const key = number === undefined ? path : `${before}#${after}`
    groups.set(key, [...(groups.get(key) ?? []), ...(number === undefined ? [] : [number])])
  }
  return [...groups]
    .map(([key, numbers]) => key.replace('#', numbers.length === 1 ? numbers[0]! : `{${numbers.join(',')}}`))
    .join(', ')
}

/** What to know before training: parameters that the loss of a batch does not depend on. */
export function unreachedNotes(unreached: readonly string[], { sequenceLength }: Recipe, model: Model): string[] {
  if (unreached.length === 0) return []
  const { chunkLength } = model
  const oneChunk = chunkLength > 1 && sequenceLength === chunkLength
  const names = `${joined(unreached)} ${unreached.length === 1 ? 'gets' : 'get'} no gradient`
  return [
    oneChunk
      ? `sequenceLength=${sequenceLength} is one chunk, and what is written at its end is read in the next: ${names}; take at least ${2 * chunkLength}`
      : `the loss does not depend on all parameters: ${names}`,
  ]
}

/** What to know after training: parameters whose gradient was zero in every update. */
export const neverMovedNotes = (paths: readonly string[]): string[] =>
  paths.length === 0 ? [] : [`the gradient was exactly zero in all updates: ${joined(paths)}`]
