/** Telemetry as Markdown tables. */
import { percent } from '../interval.ts'
import type { MemoryResult, TelemetryResult } from './telemetry.ts'

/** A table of the memories, one of what is decoded from them, and one of the taps. */
export function telemetryTable({ memories, taps, tokens, source, values, episodes, build }: TelemetryResult): string {
  const gaps = memories[0]?.probes.map(({ after }) => after) ?? []
  return [
    `${tokens} tokens (${source}), ${episodes} episodes that tell one of ${values.length} values, TF.js (${build})`,
    '',
    '| state | shape | updated, percent of tokens | relative change | drift | effective rank | slot cosine | half-life, tokens |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...memories.map(memoryRow),
    '',
    `| decoded, percent (majority, control) | ${gaps.map((gap) => `${gap} tokens later`).join(' | ')} |`,
    `| --- | ${gaps.map(() => '---:').join(' | ')} |`,
    ...memories.map(({ path, probes }) => {
      const cells = probes.map((p) => `${percent(p.decoded.share)} (${percent(p.majority)}, ${percent(p.control)})`)
      return `| ${path} | ${cells.join(' | ')} |`
    }),
    ...(taps.length === 0 ? [] : ['', '| tap | mean | variance | least | most | used | at a time |']),
    ...(taps.length === 0 ? [] : ['| --- | ---: | ---: | ---: | ---: | ---: | ---: |']),
    ...taps.map(({ name, mean, variance, min, max, usage }) => {
      const used = usage ? `${usage.effective.toFixed(2)} of ${usage.choices} | ${usage.atATime.toFixed(2)}` : ' | '
      return `| ${name} | ${short(mean)} | ${short(variance)} | ${short(min)} | ${short(max)} | ${used} |`
    }),
  ].join('\n')
}

function memoryRow(m: MemoryResult): string {
  const { halfLife, curve, slots } = m.retention
  const last = curve.at(-1)?.at ?? 0
  const life = slots === 0 ? 'not written' : halfLife === null ? `over ${last}` : halfLife.toFixed(1)
  return (
    `| ${m.path} | ${m.shape.join(' x ')} | ${percent(m.updateRate)} | ${short(m.relativeChange)} | ${short(m.drift)} ` +
    `| ${m.effectiveRank.toFixed(2)} of ${m.fullRank} | ${m.slotCosine === null ? '' : short(m.slotCosine)} | ${life} |`
  )
}

const short = (x: number): string => String(Number(x.toPrecision(3)))
