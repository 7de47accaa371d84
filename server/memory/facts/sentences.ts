import type { Sentence } from './fact.ts'

/** Longer sentences are cut at a space: nobody tells a fact in more, and every rule stays bounded by it. */
export const MAX_SENTENCE = 400
/** Later sentences of a message are not read: it is a pasted document. */
export const MAX_SENTENCES = 200

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' })

/** Ends of a segment that end no sentence: titles and abbreviations. */
const ABBREVIATION =
  /(?:^|[\s(])(?:mr|mrs|ms|dr|dra|sra|srta|prof|st|sr|jr|mt|ave|rd|nr|vs|approx|e\.g|i\.e|etc|esp|ext|tel|apt)\.\s*$/iu
const INITIAL = /(?:^|[\s(.])\p{Lu}\.\s*$/u
const HALF_OF_DAY = /\d\s*[ap]\.m\.\s*$/i
const DATE_WORD =
  /^(?:on|at|every|mon|tues|wednes|thurs|fri|satur|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|\d)/i
const LINE = /[^\n\r\u2028\u2029]+/gu
const LIST_MARK = /^(?:[-*•‣▪]|\d{1,3}[.)])\s+/u

/**
 * The sentences of a message in their order, without white space around them and without list marks. A line break ends a
 * sentence; "Dr.", "5 p.m. on Tuesday", "a.b@x.org" and "3.5" do not.
 */
export function sentencesOf(text: string): Sentence[] {
  const found: Sentence[] = []
  let unread = MAX_SENTENCES * MAX_SENTENCE
  for (const line of text.matchAll(LINE)) {
    const length = Math.min(line[0].length, unread)
    addLine(found, text, line.index, line.index + length)
    unread -= length
    if (found.length >= MAX_SENTENCES || unread <= 0) break
  }
  return found
}

function addLine(found: Sentence[], text: string, from: number, to: number): void {
  let start = from
  let end = from
  for (const { segment, index } of segmentsOf(text.slice(from, to))) {
    const isLong = end - start > MAX_SENTENCE
    if (end > start && (isLong || !goesOn(text.slice(Math.max(start, end - 24), end), segment))) {
      add(found, text, start, end)
      start = from + index
      if (found.length >= MAX_SENTENCES) return
    }
    end = from + index + segment.length
  }
  add(found, text, start, end)
}

/** "that's last year's. bluewhale12": who writes no capitals ends sentences all the same. */
const SMALL_START =
  /(?<=(?:^|\s)(?!(?:inc|ltd|corp|dept|blvd|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|mon|tues?|wed|thurs?|fri|sat|sun|max|min|incl|excl|appt|temp|dist|est|fig|vol|gen|col|capt|sgt|min|hrs?|tsp|tbsp|etc|approx|prof|esp|ext|tel|apt|ave|srta)\.)[\p{Ll}\d'’-]*\p{Ll}[\p{Ll}\d'’-]{2,}\.)\s+(?!(?:in|at|on|of|and|as|each|near|because|or|to|for|from|with|by)\b)(?=\p{Ll})/gu

function* segmentsOf(line: string): Iterable<{ readonly segment: string; readonly index: number }> {
  for (const { segment, index } of segmenter.segment(line)) {
    let from = 0
    for (const { 0: space, index: at } of segment.matchAll(SMALL_START)) {
      const to = at + space.length
      yield { segment: segment.slice(from, to), index: index + from }
      from = to
    }
    yield { segment: segment.slice(from), index: index + from }
  }
}

function goesOn(before: string, segment: string): boolean {
  // "Mango!Tango" is one word; writing without spaces has its own marks.
  if (/[.?!]$/u.test(before)) return true
  if (HALF_OF_DAY.test(before)) return DATE_WORD.test(segment)
  return ABBREVIATION.test(before) || INITIAL.test(before)
}

function add(found: Sentence[], text: string, from: number, to: number): void {
  let start = from
  while (start < to && found.length < MAX_SENTENCES) {
    const end = to - start > MAX_SENTENCE ? cutAt(text, start) : to
    const piece = text.slice(start, end)
    const bare = piece.trimStart()
    const mark = LIST_MARK.exec(bare)?.[0].length ?? 0
    const at = start + piece.length - bare.length + mark
    const kept = text.slice(at, end).trimEnd()
    if (kept !== '') found.push({ text: kept, start: at, end: at + kept.length })
    start = end
  }
}

/** The last space within the bound; where there is none, the bound, but never inside a surrogate pair. */
function cutAt(text: string, start: number): number {
  const bound = start + MAX_SENTENCE
  const space = text.slice(start, bound).lastIndexOf(' ')
  if (space > 0) return start + space
  return /[\uD800-\uDBFF]/.test(text.charAt(bound - 1)) ? bound - 1 : bound
}
