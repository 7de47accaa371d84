/** Which sentences of a reply rest on what it has read: by words, without a model. */
import type { SentenceVerdict } from '../critic/verdict.ts'
import type { FoundChunk } from '../files/search-files.ts'
import { contentWords } from '../memory/relevance.ts'
import { sentencesOf } from '../memory/facts/sentences.ts'
import { wordsOf } from '../memory/words.ts'
import type { MemoryHit } from '../store/memory-calls.ts'

export interface CitedTurn {
  readonly question: string
  readonly memories: readonly MemoryHit[]
  readonly chunks: readonly FoundChunk[]
  /** What the critic found, where it has checked this text; else empty. */
  readonly verdicts: readonly SentenceVerdict[]
  /** Where the server's URLs begin. */
  readonly origin: string
}

export type Annotation =
  | {
      readonly type: 'url_citation'
      readonly url: string
      readonly title: string
      /** UTF-16 units of the text before the sentence, and up to its end. */
      readonly start_index: number
      readonly end_index: number
    }
  | { readonly type: 'file_citation'; readonly file_id: string; readonly filename: string; readonly index: number }

/** Of what a sentence says and the question does not, a source has at least this part. */
const LEAST_SHARE = 0.5

/**
 * The citations of a reply's text. A sentence rests on a memory that the critic found it to be supported by, else on the
 * memory or the piece of a file that has most of the words which are not the question's. A file is cited once.
 */
export function citationsOf(text: string, turn: CitedTurn): Annotation[] {
  const { question, memories, chunks } = turn
  if (memories.length + chunks.length === 0) return []
  const sources = [...memories, ...chunks].map((source) => ({ source, words: new Set(wordsOf(textOf(source))) }))
  const asked = contentWords(question)
  // The critic has read the text without the white space around it.
  const offset = text.length - text.trimStart().length
  const files = [...new Set(chunks.map(({ file }) => file))]
  const found: Annotation[] = []
  for (const { text: sentence, start, end } of sentencesOf(text)) {
    const supporting = supportedBy(turn, start - offset)
    const nearest = supporting.length > 0 ? supporting : nearestOf(newWords(sentence, asked), sources)
    for (const source of nearest) {
      const annotation = 'memory' in source ? urlOf(source, start, end, turn.origin) : fileOf(source, files)
      if (!found.some((one) => isSameFile(one, annotation))) found.push(annotation)
    }
  }
  return found
}

type Source = MemoryHit | FoundChunk

function textOf(source: Source): string {
  return 'memory' in source ? source.memory.text : source.text
}

function supportedBy({ verdicts, memories }: CitedTurn, start: number): readonly MemoryHit[] {
  const verdict = verdicts.find((one) => one.start === start && one.verdict === 'supported')
  return memories.filter(({ memory }) => verdict?.facts.includes(memory.id))
}

function newWords(sentence: string, asked: ReadonlySet<string>): string[] {
  return [...contentWords(sentence)].filter((word) => !asked.has(word))
}

function nearestOf(
  words: readonly string[],
  sources: readonly { readonly source: Source; readonly words: ReadonlySet<string> }[],
): readonly Source[] {
  if (words.length === 0) return []
  const shares = sources.map((one) => words.filter((word) => one.words.has(word)).length / words.length)
  const best = Math.max(...shares)
  return best < LEAST_SHARE ? [] : [sources[shares.indexOf(best)]!.source]
}

/** The title has no word of the user: it is stored with the response, and stays when the memory is deleted. */
function urlOf({ memory }: MemoryHit, start: number, end: number, origin: string): Annotation {
  const title = `Memory of ${new Date(memory.created).toISOString().slice(0, 10)}`
  const url = `${origin}/v1/memories/${memory.id}`
  return { type: 'url_citation', url, title, start_index: start, end_index: end }
}

/** `index` is that of the file among those that the reply has read. */
function fileOf({ file, name }: FoundChunk, files: readonly string[]): Annotation {
  return { type: 'file_citation', file_id: file, filename: name, index: files.indexOf(file) }
}

function isSameFile(one: Annotation, other: Annotation): boolean {
  return one.type === 'file_citation' && other.type === 'file_citation' && one.file_id === other.file_id
}
