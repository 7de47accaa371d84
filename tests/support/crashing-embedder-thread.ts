/** A thread of embedders that dies of the word `crash`; of any other text the vector is its length, of a pair [0, 0, 9]. */
import { serveFakeEmbedders } from './fake-embedders-thread.ts'

serveFakeEmbedders((input) => {
  if (JSON.stringify(input).includes('crash')) throw new Error('it died')
  return typeof input === 'object' && 'first' in input ? [0, 0, 9] : [input.length]
})
