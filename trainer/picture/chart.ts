/** Line charts as SVG: a title that says the finding, panels below each other, lines with their names at their ends. */
import { createScale, type Scale, type ScaleKind, spreadLabels } from './scale.ts'
import { circle, element, line, path, type Point, text } from './svg.ts'
import { shortNumber, textWidth, wrapped } from './text.ts'

export interface ChartPoint {
  readonly x: number
  readonly y: number
  /** The interval that y is known to. */
  readonly low?: number
  readonly high?: number
}

export interface Series {
  readonly name: string
  readonly points: readonly ChartPoint[]
  /** A line to compare with, as a guess: dashed and grey. */
  readonly isReference?: boolean
}

export interface Axis {
  readonly title: string
  readonly kind?: ScaleKind
  readonly domain?: readonly [low: number, high: number]
  readonly format?: (value: number) => string
}

export interface Panel {
  readonly x: Axis
  readonly y: Axis
  readonly series: readonly Series[]
  /** Of the plot, in pixels. */
  readonly height?: number
}

export interface Chart {
  /** What the picture shows, as a sentence. */
  readonly title: string
  /** What was measured, and how sure it is. */
  readonly subtitle?: string
  readonly panels: readonly Panel[]
}

const width = 760
const plotHeight = 260
/** Between two ticks of the vertical axis, in pixels. */
const tickSpace = 44
const margin = { left: 56, right: 16, bottom: 48 }
const [titleSize, textSize, lineHeight] = [16, 12, 1.3]
/** Okabe and Ito's colours, which the colour-blind can tell apart. */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#000000']
const [ink, grey, grid] = ['#222222', '#666666', '#e4e4e4']
/** A line of more points has no dots. */
const mostDots = 40

/** The picture of a chart. */
export function drawChart({ title, subtitle, panels }: Chart): string {
  const inner = width - 2 * margin.right
  const titles = wrapped(title, inner, titleSize, true)
  const subtitles = subtitle === undefined ? [] : wrapped(subtitle, inner, textSize)
  const parts: string[] = []
  let y = 8
  for (const part of titles) {
    y += titleSize * lineHeight
    parts.push(text(part, { x: margin.right, y, size: titleSize, fill: ink, weight: 'bold' }))
  }
  y += subtitles.length > 0 ? 4 : 0
  for (const part of subtitles) {
    y += textSize * lineHeight
    parts.push(text(part, { x: margin.right, y, size: textSize, fill: grey }))
  }
  const right = width - margin.right - Math.max(...panels.map(namesWidth))
  for (const panel of panels) {
    y += 34
    parts.push(drawPanel(panel, y, right))
    y += (panel.height ?? plotHeight) + margin.bottom
  }
  const height = Math.ceil(y)
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: 'img',
      'font-family': 'sans-serif',
    },
    [element('title', {}, [title]), element('rect', { width, height, fill: 'white' }), ...parts],
  )
}

/** A plot and its axes, whose upper edge is at `top`. */
interface Plot {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
  readonly x: Scale
  readonly y: Scale
}

/** The room for the names at the ends of the lines; a single line needs none. */
function namesWidth({ series }: Panel): number {
  return series.length > 1 ? Math.max(...series.map(({ name }) => textWidth(name, textSize, true))) + 20 : 8
}

function drawPanel({ x, y, series, height = plotHeight }: Panel, top: number, right: number): string {
  const points = series.flatMap((one) => one.points)
  if (points.length === 0)
    return text('nothing was measured', { x: margin.left, y: top + height / 2, size: textSize, fill: grey })
  const values = points.flatMap(({ y, low = y, high = y }) => [y, low, high])
  const plot: Plot = {
    left: margin.left,
    right,
    top,
    bottom: top + height,
    x: createScale(
      x,
      points.map((point) => point.x),
      (right - margin.left) / 90,
    ),
    y: createScale(y, values, height / tickSpace),
  }
  const coloured = series.map((one, i) => ({ ...one, colour: one.isReference ? grey : colours[i % colours.length]! }))
  return element('g', {}, [
    ...axes(plot, x, y),
    ...coloured.flatMap((one) => drawSeries(plot, one)),
    ...(series.length > 1 ? labels(plot, coloured) : []),
  ])
}

const xOf = (plot: Plot, value: number): number => plot.left + plot.x.at(value) * (plot.right - plot.left)
const yOf = (plot: Plot, value: number): number => plot.bottom - plot.y.at(value) * (plot.bottom - plot.top)

function axes(plot: Plot, x: Axis, y: Axis): string[] {
  const { left, right, top, bottom } = plot
  const xTicks = thinned(plot.x.ticks, (value) => xOf(plot, value), x.format ?? shortNumber)
  return [
    ...plot.y.ticks.flatMap((value) => {
      const at = yOf(plot, value)
      return [
        line({ x: left, y: at }, { x: right, y: at }, { stroke: grid }),
        text((y.format ?? shortNumber)(value), { x: left - 6, y: at + 4, size: textSize, fill: grey, anchor: 'end' }),
      ]
    }),
    ...xTicks.flatMap((value) => {
      const [at, words] = [xOf(plot, value), (x.format ?? shortNumber)(value)]
      return [
        line({ x: at, y: bottom }, { x: at, y: bottom + 4 }, { stroke: grey }),
        text(words, { x: middleOf(at, words), y: bottom + 18, size: textSize, fill: grey, anchor: 'middle' }),
      ]
    }),
    line({ x: left, y: bottom }, { x: right, y: bottom }, { stroke: grey }),
    text(y.title, { x: margin.right, y: top - 12, size: textSize, fill: ink }),
    text(x.title, { x: (left + right) / 2, y: bottom + 36, size: textSize, fill: ink, anchor: 'middle' }),
  ]
}

/** The ticks whose texts do not touch, from the right, where the last one counts most. */
function thinned(ticks: readonly number[], at: (value: number) => number, format: (value: number) => string): number[] {
  const kept: number[] = []
  let free = Infinity
  for (const value of ticks.toReversed()) {
    const words = format(value)
    const [middle, half] = [middleOf(at(value), words), textWidth(words, textSize) / 2 + 4]
    if (middle + half > free) continue
    kept.unshift(value)
    free = middle - half
  }
  return kept
}

/** Where the middle of a tick's text is: at the tick, unless it would leave the picture there. */
function middleOf(at: number, words: string): number {
  return Math.min(at, width - 4 - textWidth(words, textSize) / 2)
}

interface Coloured extends Series {
  readonly colour: string
}

function drawSeries(plot: Plot, { points, colour, isReference }: Coloured): string[] {
  const places = points.map((point): Point => ({ x: xOf(plot, point.x), y: yOf(plot, point.y) }))
  const whiskers = points.flatMap(({ x, low, high }) =>
    low === undefined || high === undefined
      ? []
      : [
          line(
            { x: xOf(plot, x), y: yOf(plot, low) },
            { x: xOf(plot, x), y: yOf(plot, high) },
            { stroke: colour, opacity: 0.5, 'stroke-width': 3 },
          ),
        ],
  )
  const stroke = {
    fill: 'none',
    stroke: colour,
    'stroke-width': isReference ? 1.5 : 2,
    ...(isReference ? { 'stroke-dasharray': '5 4' } : {}),
  }
  const dots = isReference || places.length > mostDots ? [] : places.map((place) => circle(place, 3.5, colour))
  return [...whiskers, ...(places.length > 1 ? [path(places, stroke)] : []), ...dots]
}

/** The names at the ends of the lines, moved apart where they would touch. */
function labels(plot: Plot, series: readonly Coloured[]): string[] {
  const ends = series.map(({ points }) =>
    points.reduce((last, point) => (point.x >= last.x ? point : last), points[0]!),
  )
  const wanted = ends.map((point) => yOf(plot, point.y))
  const placed = spreadLabels(wanted, textSize * lineHeight, plot.top, plot.bottom)
  return series.flatMap(({ name, colour }, i) => {
    const x = xOf(plot, ends[i]!.x)
    const moved = Math.abs(placed[i]! - wanted[i]!) > 3 || x < plot.right - 2
    const leader = line(
      { x: x + 6, y: wanted[i]! },
      { x: plot.right + 14, y: placed[i]! },
      { stroke: colour, opacity: 0.4 },
    )
    return [
      ...(moved ? [leader] : []),
      text(name, { x: plot.right + 18, y: placed[i]! + 4, size: textSize, fill: colour, weight: 'bold' }),
    ]
  })
}
