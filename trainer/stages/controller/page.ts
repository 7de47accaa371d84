/** What stage 3 leaves to be read: report.md with the comparison, and the curves of PPO. */
import { percent } from '../../evaluate/interval.ts'
import { drawChart } from '../../picture/chart.ts'
import { FEATURE_NAMES } from '../../../runtime/controller-features.ts'
import type { LatencyModel, Outcomes } from '../environment/outcomes.ts'
import { questionKinds } from '../environment/questions.ts'
import { namesOf } from './baselines.ts'
import type { Comparison, Row } from './comparison.ts'
import { COMBINATIONS } from './reward.ts'

type Line = Readonly<Record<string, number>>

/** Rewards of the batches that PPO acted on, and of the validation turns, for each seed. */
export function ppoPicture(runs: readonly (readonly Line[])[]): string {
  const x = { title: 'batches of 256 questions' } as const
  const series = (key: string) =>
    runs.map((lines, i) => ({
      name: `seed ${i + 1}`,
      points: lines.flatMap((line) => (line[key] === undefined ? [] : [{ x: line['step']!, y: line[key] }])),
    }))
  return drawChart({
    title: 'PPO: reward of its own sampled actions, and of its decisions for users it does not train on',
    panels: [
      { x, y: { title: 'reward, sampled' }, series: series('reward') },
      { x, y: { title: 'reward, validation' }, series: series('score') },
      { x, y: { title: 'entropy, nats' }, series: series('entropy'), height: 110 },
    ],
  })
}

export interface PageFacts {
  readonly command: string
  readonly subject: string
  readonly outcomes: readonly Outcomes[]
  readonly latency: LatencyModel
  readonly comparison: Comparison
}

export function page({ command, subject, outcomes, latency, comparison }: PageFacts): string {
  const heldOut = outcomes.filter(({ part }) => part === 'heldout')
  const free = outcomes.reduce((all, one) => all | one.free, 0)
  const { difference, brier } = comparison
  const [low, high] = difference.interval
  const verdict =
    low > 0
      ? 'The controller beats the best threshold.'
      : high < 0
        ? 'The best threshold beats the controller: thresholds stay the default.'
        : 'The controller does not beat the best threshold for sure: thresholds stay the default.'
  return (
    [
      '# HMST, stage 3: the controller',
      `\`\`\`sh\n${command}\n\`\`\``,
      `${subject}. ${outcomes.length} questions of ${usersOf(outcomes)} users; ${heldOut.length} of them of ${usersOf(heldOut)} users, wordings and values ` +
        `that were held out. Gates that this server could open: ${namesOf(free)}; combinations that differ in others only are one run. ` +
        `Modelled latency: ${latency.msPerReply.toFixed(1)} ms, and ${latency.msPerPromptToken.toFixed(3)} ms a token of the prompt, ` +
        `${latency.msPerReplyToken.toFixed(2)} ms a token of the reply, ${latency.msOfVerification.toFixed(1)} ms for a checked reply.`,
      `**${verdict}** Its mean reward is ${signed(difference.mean)} (${signed(low)} to ${signed(high)}) against that of the best threshold.`,
      comparisonTable(comparison.rows),
      'With 95 % intervals: bootstrap over users. The reward is that of docs/training.md with modelled latency, without its term on the ' +
        `uncertainty. Mean squared error of the uncertainty: ${brier.ours.toFixed(3)}; of always saying the share of wrong replies: ${brier.constant.toFixed(3)}.`,
      '![PPO](ppo.svg)',
      '## The best threshold of each feature',
      [
        '| feature | reward in training | held out |',
        '|---|---|---|',
        ...comparison.thresholds.map(
          (one) => `| ${one.feature} | ${one.training.toFixed(3)} | ${one.heldOut.toFixed(3)} |`,
        ),
      ].join('\n'),
      '## What gates do, by kind of question',
      kindsTable(outcomes, free),
      `Features: ${FEATURE_NAMES.length}; those that are the same in all questions: ${constantFeatures(outcomes).join(', ') || 'none'}.`,
    ].join('\n\n') + '\n'
  )
}

export function comparisonTable(rows: readonly Row[]): string {
  const head = ['policy', 'right, %', 'latency, ms', 'modelled, ms', 'compute', 'reward', 'gap closed, %']
  const body = rows.map((row) => [
    row.name,
    `${percent(row.accuracy)} (${row.accuracyInterval.map(percent).join(' to ')})`,
    row.latency.toFixed(0),
    row.modelled.toFixed(0),
    row.compute.toFixed(2),
    `${row.reward.toFixed(3)} (${row.rewardInterval.map((x) => x.toFixed(3)).join(' to ')})`,
    row.closed === null ? '' : `${percent(row.closed)} (${row.closedInterval!.map(percent).join(' to ')})`,
  ])
  return [head, head.map(() => '---'), ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** Right answers of each combination, and of the server's own thresholds. */
function kindsTable(outcomes: readonly Outcomes[], free: number): string {
  const combinations = Array.from({ length: COMBINATIONS }, (_, c) => c).filter((c) => (c & free) === c)
  const kinds = questionKinds.filter((kind) => outcomes.some((one) => one.kind === kind))
  const share = (all: readonly boolean[]): string => percent(all.filter(Boolean).length / all.length)
  const head = ['open gates', ...kinds.map((kind) => `${kind} (${outcomes.filter((one) => one.kind === kind).length})`)]
  const own = [
    "the server's thresholds",
    ...kinds.map((kind) => share(ofKind(outcomes, kind).map((one) => one.byThreshold.isRight))),
  ]
  const rows = combinations.map((c) => [
    namesOf(c),
    ...kinds.map((kind) => share(ofKind(outcomes, kind).map((one) => one.runs[c & one.free]!.isRight))),
  ])
  return [head, head.map(() => '---'), own, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

const ofKind = (outcomes: readonly Outcomes[], kind: string): Outcomes[] => outcomes.filter((one) => one.kind === kind)

const constantFeatures = (outcomes: readonly Outcomes[]): string[] =>
  FEATURE_NAMES.filter((_, at) => outcomes.every(({ features }) => features[at] === outcomes[0]!.features[at]))

const usersOf = (outcomes: readonly Outcomes[]): number => new Set(outcomes.map(({ user }) => user)).size
const signed = (x: number): string => `${x < 0 ? '' : '+'}${x.toFixed(3)}`
