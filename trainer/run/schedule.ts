/** Learning rates as pure functions of the step. */

/** How the learning rate goes after the warm-up. */
export const scheduleKinds = ['cosine', 'linear', 'constant', 'wsd'] as const
export type ScheduleKind = (typeof scheduleKinds)[number]

export interface Schedule {
  readonly kind: ScheduleKind
  /** Steps of the whole run. */
  readonly steps: number
  /** Steps of the linear rise from 1/warmup to 1; below 1: a share of all steps. */
  readonly warmup: number
  /** What is left of the learning rate at the last step, as a share of its peak. */
  readonly minRatio: number
  /** Share of the run in which `wsd` (warm-up, stable, decay) falls; 0.2 when not given. */
  readonly decay?: number
}

/** The steps of the warm-up. */
export function warmupSteps({ warmup, steps }: Pick<Schedule, 'warmup' | 'steps'>): number {
  return warmup < 1 ? Math.round(warmup * steps) : warmup
}

/**
 * The share of the peak learning rate at a step counted from 0: 1 at the end of the warm-up, `minRatio` at the last
 * step and after. Cosine: Loshchilov and Hutter, "SGDR", 2017. WSD: Hu et al., "MiniCPM", 2024 (here with a linear fall).
 */
export function learningRateShare(schedule: Schedule, step: number): number {
  const { kind, steps, minRatio } = schedule
  const warmup = warmupSteps(schedule)
  if (step < warmup) return (step + 1) / warmup
  const done = progress(step, warmup, steps)
  const falling = (share: number): number => minRatio + (1 - minRatio) * share
  if (kind === 'cosine') return falling((1 + Math.cos(Math.PI * done)) / 2)
  if (kind === 'linear') return falling(1 - done)
  if (kind === 'constant') return 1
  const start = Math.max(warmup, Math.round(steps * (1 - (schedule.decay ?? 0.2))))
  return falling(1 - progress(step, start, steps))
}

/** How far a step is between the first and the last one, from 0 to 1. */
function progress(step: number, first: number, steps: number): number {
  return Math.min(1, Math.max(0, (step - first) / Math.max(1, steps - 1 - first)))
}
