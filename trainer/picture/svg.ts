/** Elements of SVG as text. */

type Attributes = Readonly<Record<string, string | number>>

export interface Point {
  readonly x: number
  readonly y: number
}

export interface TextStyle extends Point {
  readonly size: number
  readonly fill: string
  readonly anchor?: 'start' | 'middle' | 'end'
  readonly weight?: 'bold'
}

/** An element with attributes; children that are not elements themselves are text. */
export function element(name: string, attributes: Attributes, children: readonly string[] = []): string {
  const given = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(written(value))}"`)
  const inner = children.map((child) => (child.startsWith('<') ? child : escaped(child))).join('\n')
  const body = children.length > 1 ? `\n${inner}\n` : inner
  return children.length === 0 ? `<${name}${given.join('')}/>` : `<${name}${given.join('')}>${body}</${name}>`
}

export function text(content: string, { x, y, size, fill, anchor, weight }: TextStyle): string {
  return element(
    'text',
    {
      x,
      y,
      'font-size': size,
      fill,
      ...(anchor ? { 'text-anchor': anchor } : {}),
      ...(weight ? { 'font-weight': weight } : {}),
    },
    [content.startsWith('<') ? ` ${content}` : content],
  )
}

export const line = (from: Point, to: Point, style: Attributes): string =>
  element('line', { x1: from.x, y1: from.y, x2: to.x, y2: to.y, ...style })

export const path = (points: readonly Point[], style: Attributes): string =>
  element('polyline', { points: points.map(({ x, y }) => `${written(x)},${written(y)}`).join(' '), ...style })

export const circle = ({ x, y }: Point, radius: number, fill: string): string =>
  element('circle', { cx: x, cy: y, r: radius, fill })

const written = (value: string | number): string =>
  typeof value === 'number' ? String(Math.round(value * 100) / 100) : value

const escaped = (content: string): string =>
  content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
