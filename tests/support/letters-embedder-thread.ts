/** A thread of embedders whose vectors count pairs of letters. */
import { serveFakeEmbedders } from './fake-embedders-thread.ts'
import { lettersOf } from './letters-embedder.ts'

serveFakeEmbedders((input) => lettersOf(typeof input === 'string' ? input : ''))
