/** The time to the first token of the next turn by the length of the conversation, of docs/results/next-turn. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { turnsOf } from '../../clients/bench/report.ts'
import type { NextTurn, Situation } from '../../clients/bench/situations.ts'
import { summaryOf } from '../../clients/bench/statistics.ts'
import { drawChart, type Panel, type Series } from '../../trainer/picture/chart.ts'

export const NEXT_TURN_FOLDER = join('docs', 'results', 'next-turn')

/** What tests/bench/conversations.ts writes of a model. */
export interface MeasuredModel {
  readonly model: string
  readonly machine: string
  readonly llama: string
  readonly turns: readonly NextTurn[]
}

const SHOWN: readonly Situation[] = ['first turn, chat', 'continued by id', 'resent whole', 'after kill -9, resent']

/** A panel for each model. */
export function nextTurnPicture(): string {
  const files = readdirSync(NEXT_TURN_FOLDER).filter((file) => file.endsWith('.json'))
  const models = files.map((file) => JSON.parse(readFileSync(join(NEXT_TURN_FOLDER, file), 'utf8')) as MeasuredModel)
  return drawChart({
    title: 'Time to the first token of the next turn, by the length of the conversation',
    subtitle: 'Medians with the least and the most; both axes logarithmic.',
    panels: models.map(panelOf),
  })
}

function panelOf({ model, turns }: MeasuredModel): Panel {
  const contenders = [...new Set(turns.map(({ contender }) => contender))]
  const lines = contenders.flatMap((name) => SHOWN.map((situation) => seriesOf(turns, name, situation)))
  return {
    x: { title: 'tokens of the first message', kind: 'log' },
    y: { title: `first token, ms: ${model.split(/[:;]/)[0]}`, kind: 'log' },
    series: lines.filter(({ points }) => points.length > 0),
  }
}

function seriesOf(turns: readonly NextTurn[], contender: string, situation: Situation): Series {
  const lengths = [...new Set(turns.map(({ length }) => length))]
  const points = lengths.flatMap((length) => {
    const times = turnsOf(turns, contender, length, situation).map(({ ttft }) => ttft)
    if (times.length === 0) return []
    const { median, min, max } = summaryOf(times)
    return [{ x: length, y: median, low: min, high: max }]
  })
  return { name: `${contender}: ${situation}`, points }
}
