/** Progress of a run: a bar on a terminal, a line for each measurement elsewhere. */
import cliProgress from 'cli-progress'
import type { Metric } from './metrics.ts'

export interface ProgressReport {
  readonly report: (metric: Metric) => void
  readonly stop: () => void
}

/** Reports on stderr, where the steps of the whole run are known. */
export function createProgress(steps: number, stream: NodeJS.WriteStream = process.stderr): ProgressReport {
  if (!stream.isTTY) return { report: (metric) => void stream.write(`${line(metric, steps)}\n`), stop: () => {} }
  const format =
    '{bar} {value}/{total}  loss {loss}  held out {heldOut}  norm {norm}  lr {rate}  {speed} tok/s  left {left}'
  const bar = new cliProgress.SingleBar({ format, stream, barsize: 20 }, cliProgress.Presets.shades_classic)
  const unknown = { loss: '-', heldOut: '-', norm: '-', rate: '-', speed: '-', left: '-' }
  let heldOut = '-'
  return {
    report(metric) {
      if (!bar.isActive) bar.start(steps, metric.step, unknown)
      if (metric.heldOut !== undefined) heldOut = metric.heldOut.toFixed(4)
      bar.update(metric.step, { ...shown(metric, steps), heldOut })
    },
    stop: () => bar.stop(),
  }
}

function line(metric: Metric, steps: number): string {
  const { loss, norm, rate, speed, left } = shown(metric, steps)
  const heldOut = metric.heldOut === undefined ? '' : `  held out ${metric.heldOut.toFixed(4)}`
  return `step ${metric.step}/${steps}  loss ${loss}${heldOut}  norm ${norm}  lr ${rate}  ${speed} tok/s  left ${left}`
}

const shown = (metric: Metric, steps: number) => ({
  loss: metric.loss.toFixed(4),
  norm: metric.norm.toFixed(2),
  rate: metric.learningRate.toExponential(2),
  speed: metric.tokensPerSecond,
  left: remaining(metric, steps),
})

/** Minutes and seconds until the last step at the present speed. */
function remaining(metric: Metric, steps: number): string {
  const tokens = (steps - metric.step) * (metric.tokens / Math.max(1, metric.step))
  const seconds = Math.round(tokens / Math.max(1, metric.tokensPerSecond))
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
