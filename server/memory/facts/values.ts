import { MASK } from './plain.ts'

/** A piece of a message, by its places there. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** How far a value goes: a name ends at a comma; a text goes on to where another thought begins; a list has several values. */
export type ValueKind = 'name' | 'text' | 'list' | 'secret'

const MAX_VALUE = 160

/** Words after a value that say nothing about it. In lower case only: "Apocalypse Now" is a film. */
const AFTER =
  /(?:[\s,.;:!?…)]|\s(?:btw|tbh|fyi|imo|lol|haha|please|pls|plz|thanks|thx|ty|too|as well|now|right now|these days|nowadays|at the moment|at present|for the moment|currently|atm|by the way|actually|obviously|of course|again|anyway|tho|though|originally|recently|lately|yesterday|ages ago|for now|already|instead|so far|though|just so you know|for the record|(?:ever )?since (?:\d{4}|last \p{L}{1,12})|for (?:\p{L}{1,10}|\d{1,3}) (?:years?|months?|weeks?)(?: now)?|(?:last|this) (?:week|month|year|spring|summer|autumn|fall|winter|weekend)|(?:a|one|two|three|\d{1,2}|a few|a couple of|some) (?:day|week|month|year)s? ago|if you(?:'re| are) (?:wondering|curious)|in case (?:you|it) .{1,30}|any ?more|any longer|after all|a lot|so much|very much|to be honest|i think|i guess|every day|the most)|\s?[:;]-?[)D(P]|\s?<3|\p{Extended_Pictographic}|\uFE0F)$/u

/** Where another thought begins inside a value. */
const NEXT_THOUGHT =
  /\s*[,;–—]?\s(?:because|cause|cuz|bc|since|but|which|who|the one|although|though|whereas|even though|in case|so that|so please|so you|so i|if|unless|not|nice to|pleased to|thanks|please|everyone|just|mostly|mainly|and (?:he|she|it|they|that|i|my|we)(?:'s|'re|'m)?)\s|\s\(|\s[-–—]\s|,\s(?:(?:call|ring|text me|feel free|nice|pleased|thanks|please|just|mostly|mainly|every|obviously|which|who|sorry|right|yes|yeah|ok|okay|lol|haha|not|so|and (?:i|he|she|it|they|my|we))\b|$)/iu

const HEAD =
  /^(?:\s|[:=,-]\s|(?:an?|some|about|around|roughly|probably|definitely|just|really|actually|simply|basically|mostly|still|now|currently|called|named|also|either)\s|the\s(?=[\p{L}])|on\s(?=(?:the\s)?\d|(?:mon|tues|wednes|thurs|fri|satur|sun)day|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)|at\s(?=\d)|(?:number|no\.|nr\.?)\s(?=\d))/iu
const HEAD_KEEPS_THE = /^(?:\s|[:=,-]\s)/u
const QUOTES = /^["“«'‘](.{1,160})["”»'’]$/u

/** Where the value stands that begins a span, without what only surrounds it; undefined where nothing is left. */
export function valueSpan(plain: string, span: Span, kind: ValueKind): Span | undefined {
  let { start, end } = span
  end = Math.min(end, start + 4 * MAX_VALUE)
  const next = NEXT_THOUGHT.exec(plain.slice(start, end))
  if (next !== null && next.index > 0) end = start + next.index
  if (kind === 'name') {
    const comma = /,\s|\s(?:and|or)\s(?=\p{Ll})|\.\s/u.exec(plain.slice(start, end))
    if (
      comma !== null &&
      comma.index > 0 &&
      !/(?:^|\s)(?:mr|mrs|ms|dr|prof|st)$/iu.test(plain.slice(start, start + comma.index))
    )
      end = start + comma.index
  }
  ;[start, end] = trimmed(plain, start, end, kind)
  const quoted = QUOTES.exec(plain.slice(start, end))
  if (quoted !== null) [start, end] = [start + 1, end - 1]
  if (end <= start || end - start > MAX_VALUE || !/[\p{L}\p{N}\p{S}\p{P}]/u.test(plain.slice(start, end)))
    return undefined
  // A whole quotation may be a value; a piece of one is not.
  if (plain.slice(start, end).includes(MASK)) return undefined
  return { start, end }
}

function trimmed(plain: string, from: number, to: number, kind: ValueKind): [number, number] {
  let [start, end] = [from, to]
  const head = kind === 'secret' ? HEAD_KEEPS_THE : HEAD
  for (let i = 0; i < 8; i++) {
    const found = head.exec(plain.slice(start, end))
    if (found === null || start + found[0].length >= end) break
    start += found[0].length
  }
  for (let i = 0; i < 12; i++) {
    const piece = plain.slice(start, end)
    // A password may end in "!", an abbreviation in ".".
    if (kind === 'secret' && /[^!\s]!$/u.test(piece) && /^\S+$/u.test(piece)) break
    const found = AFTER.exec(piece.slice(-60))
    if (found === null || found[0].length >= piece.length || (found[0] === ')' && piece.includes('('))) break
    if (/\b(?:Jr|Sr|[ap]\.m|Inc|Ltd|Co)\.$/u.test(piece)) break
    end -= found[0].length
  }
  while (start < end && /\s/u.test(plain.charAt(start))) start++
  while (end > start && /\s/u.test(plain.charAt(end - 1))) end--
  return [start, end]
}

/** The values of "Noor, Sami and Lina", each where it stands. */
export function listSpans(plain: string, span: Span): Span[] {
  const spans: Span[] = []
  const separator = /\s*,\s*(?:and\s|or\s)?|\s+(?:and|or|&|\+)\s+(?:also\s)?/giu
  const text = plain.slice(span.start, span.end)
  let at = 0
  for (const found of text.matchAll(separator)) {
    spans.push({ start: span.start + at, end: span.start + found.index })
    at = found.index + found[0].length
    if (spans.length >= 16) break
  }
  spans.push({ start: span.start + at, end: span.end })
  return spans.flatMap((piece) => {
    const bit =
      /^(?:a (?:bit|little) of|a little|some|both|either)\s/iu.exec(plain.slice(piece.start, piece.end))?.[0].length ??
      0
    const value = valueSpan(plain, { start: piece.start + bit, end: piece.end }, 'text')
    return value === undefined ? [] : [value]
  })
}

/** What a value looks like. A correction without a topic takes the one told last that looks the same. */
export function shapeOf(value: string): string {
  const text = value.trim()
  if (/@/u.test(text)) return 'email'
  if (/^\d{1,2}[:.]\d{2}(?:\s?[ap]\.?m\.?)?$|^(?:at\s)?\d{1,2}\s?[ap]\.?m\.?$/iu.test(text)) return 'time'
  if (/^(?:on\s)?(?:mon|tues|wednes|thurs|fri|satur|sun)day/iu.test(text)) return 'day'
  if (/\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\p{L}*\b/iu.test(text) && /\d/u.test(text)) return 'date'
  if (/^[\d\s+().#/-]+$/u.test(text)) return text.replaceAll(/\D/gu, '').length > 6 ? 'phone' : 'number'
  if (/\d/u.test(text) && !/\s/u.test(text)) return 'code'
  if (/^\p{Lu}|^[^\p{Ll}\p{N}]/u.test(text)) return 'name'
  return 'text'
}
