/** The text of an HTML page: without tags, comments, scripts and styles; blocks are lines. One pass, in linear time. */

/** Elements whose content is not shown. */
const HIDDEN: ReadonlySet<string> = new Set(['script', 'style', 'template', 'noscript', 'svg', 'head'])
/** Elements that stand within a line. */
const INLINE: ReadonlySet<string> = new Set(
  'a abbr b bdi bdo cite code data dfn em font i kbd mark q s samp small span strong sub sup time tt u var wbr'.split(
    ' ',
  ),
)
const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  ndash: '–',
  mdash: '—',
  hellip: '…',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
  euro: '€',
  copy: '©',
  deg: '°',
}

export function htmlText(html: string): string {
  const parts: string[] = []
  for (let at = 0; at < html.length;) {
    const open = html.indexOf('<', at)
    if (open < 0) {
      parts.push(html.slice(at))
      break
    }
    parts.push(html.slice(at, open))
    const [end, between] = afterTag(html, open)
    parts.push(between)
    at = end
  }
  return plain(parts.join(''))
}

/** Where the tag, comment or hidden element at `open` ends, and what stands in its place. */
function afterTag(html: string, open: number): readonly [end: number, between: string] {
  if (html.startsWith('<!--', open)) return [past(html, '-->', open + 4), '']
  const tag = /^<\/?([a-z][a-z0-9-]*)/iu.exec(html.slice(open, open + 64))
  // "a < b" is text.
  if (!tag && !/^<[!?]/u.test(html.slice(open, open + 2))) return [open + 1, '<']
  const end = past(html, '>', open)
  const name = tag?.[1]?.toLowerCase() ?? ''
  if (HIDDEN.has(name) && html[open + 1] !== '/') return [pastElement(html, name, end), '\n']
  return [end, INLINE.has(name) ? '' : '\n']
}

function past(html: string, mark: string, from: number): number {
  const at = html.indexOf(mark, from)
  return at < 0 ? html.length : at + mark.length
}

function pastElement(html: string, name: string, from: number): number {
  const close = new RegExp(`</${name}[\\s>]`, 'giu')
  close.lastIndex = from
  const found = close.exec(html)
  // The body of a page may follow a head that is never closed.
  const body = name === 'head' && !found ? html.toLowerCase().indexOf('<body', from) : -1
  if (body >= 0) return body
  return found ? past(html, '>', found.index) : html.length
}

function plain(text: string): string {
  const decoded = text.replaceAll(
    /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));/giu,
    (whole: string, ten: string | undefined, hex: string | undefined, name: string | undefined) => {
      if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? whole
      const code = ten === undefined ? Number.parseInt(hex ?? '', 16) : Number(ten)
      const isCharacter = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
      return isCharacter ? String.fromCodePoint(code) : whole
    },
  )
  const lines = decoded.split('\n').map((line) => line.replaceAll(/[\s\u00a0]+/gu, ' ').trim())
  return lines.filter((line) => line !== '').join('\n')
}
