/** Progress of a run: a bar on a terminal, a line for each measurement elsewhere. */
import cliProgress from 'cli-progress'
import type { Metric } from './metrics.ts'

export interface ProgressReport {
  readonly report: (metric: Metric) => void
  readonly stop: () => void
}

/** Reports on stderr, where the steps of the whole run are known. */
export function createProgress(steps: number): ProgressReport {
  if (!process.stderr.isTTY) return { report: (m) => process.stderr.write(`${line(m, steps)}\n`), stop: () => {} }
  const format = '{bar} {value}/{total}  loss {loss}  {speed} tok/s  left {left}'
  const bar = new cliProgress.SingleBar({ format, stream: process.stderr }, cliProgress.Presets.shades_classic)
  bar.start(steps, 0, { loss: '-', speed: '-', left: '-' })
  return {
    report: (m) => bar.update(m.step, { loss: m.loss.toFixed(4), speed: m.tokensPerSecond, left: remaining(m, steps) }),
    stop: () => bar.stop(),
  }
}

function line(m: Metric, steps: number): string {
  const heldOut = m.heldOut === undefined ? '' : `  held out ${m.heldOut.toFixed(4)}`
  return (
    `step ${m.step}/${steps}  loss ${m.loss.toFixed(4)}${heldOut}  norm ${m.norm.toFixed(2)}  ` +
    `lr ${m.learningRate.toExponential(2)}  ${m.tokensPerSecond} tok/s  left ${remaining(m, steps)}`
  )
}

/** Minutes and seconds until the last step at the present speed. */
function remaining(m: Metric, steps: number): string {
  const seconds = Math.round(((steps - m.step) * (m.tokens / Math.max(1, m.step))) / Math.max(1, m.tokensPerSecond))
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
