/**
 * What the policies of the critic serve of a model's own replies, over HTTP: facts are told in one conversation and asked for
 * in another. Beside the critic's verdicts, how well self-consistency and token probability tell wrong replies from right ones.
 *   npx tsx tests/bench/critic-replies.ts --url http://127.0.0.1:8080 [--told 40] [--untold 20] [--seed 1]
 */
import { parseArgs } from 'node:util'
import { auroc } from '../../trainer/evaluate/calibration.ts'
import { percent, shareOf } from '../../trainer/evaluate/interval.ts'
import { mean } from '../../trainer/evaluate/telemetry/statistics.ts'
import { ServerClient } from '../../trainer/evaluate/server-client.ts'
import { Random } from '../../trainer/random.ts'
import { mentions } from '../../server/critic/compare-values.ts'
import { criticItem, type CriticItem } from '../support/critic-pairs.ts'

const POLICIES = ['annotate', 'abstain', 'quote', 'retry'] as const
const SAMPLES = 5
const DENIAL = /\b(?:not told|n't told|never told|do(?:n't| not) know|not sure|no record|only remember)\b/iu

const text = (value: string) => ({ type: 'string', default: value }) as const
const { values } = parseArgs({
  options: { url: text('http://127.0.0.1:8080'), told: text('40'), untold: text('20'), seed: text('1') },
})
const client = new ServerClient(values.url)
const model = await client.model()
const random = new Random(`replies ${values.seed}`)
const items = [
  ...Array.from({ length: Number(values.told) }, () => criticItem(random, 'repeat', 'held')),
  ...Array.from({ length: Number(values.untold) }, () => criticItem(random, 'says not told', 'held')),
]

interface Verdict {
  readonly verdict: string
  readonly invented: boolean
}
interface Response {
  readonly output: readonly { readonly type: string; readonly content?: readonly { readonly text: string }[] }[]
  readonly usage: {
    readonly mneme?: { readonly verification?: { readonly action: string; readonly verdicts: readonly Verdict[] } }
  }
}
interface Completion {
  readonly choices: readonly {
    readonly message: { readonly content: string }
    readonly logprobs: { readonly content: readonly { readonly logprob: number }[] } | null
  }[]
}

const memoryOf = (at: number) => ({ namespace: `bench-${values.seed}-${at}`, mode: 'read' })
for (const [at, { facts }] of items.entries())
  for (const { text: input } of facts)
    await client.call('/v1/responses', {
      model,
      input,
      max_output_tokens: 40,
      mneme: { memory: { namespace: `bench-${values.seed}-${at}` } },
    })

console.log(`${model}: ${values.told} told, ${values.untold} never told\n`)
console.log(
  '| policy | right | wrong | said to be unsure | another reply served | seconds a question |\n|---|---|---|---|---|---|',
)
const first: { isWrong: boolean; flagged: number }[] = []
for (const policy of POLICIES) {
  const outcomes: string[] = []
  let retried = 0
  const began = performance.now()
  for (const [at, item] of items.entries()) {
    const asked = {
      model,
      input: item.question,
      max_output_tokens: 40,
      store: false,
      mneme: { memory: memoryOf(at), verify: policy },
    }
    const response = await client.call<Response>('/v1/responses', asked)
    const reply = response.output.find(({ type }) => type === 'message')?.content?.[0]?.text ?? ''
    const verification = response.usage.mneme?.verification
    if (verification?.action === 'retried') retried++
    const isRight = isRightReply(item, reply)
    outcomes.push(
      isRight && !reply.startsWith('I am not sure') ? 'right' : reply.startsWith('I am not sure') ? 'unsure' : 'wrong',
    )
    if (policy === 'annotate') first.push({ isWrong: !isRight, flagged: flagOf(verification?.verdicts ?? []) })
  }
  const seconds = (performance.now() - began) / 1000 / items.length
  const share = (kind: string): string => shown(outcomes.filter((one) => one === kind).length)
  console.log(
    `| ${[policy, share('right'), share('wrong'), share('unsure'), retried, seconds.toFixed(2)].join(' | ')} |`,
  )
}
const sampled: { isWrong: boolean; disagreement: number; surprise: number }[] = []
for (const [at, item] of items.entries()) {
  const asked = {
    model,
    messages: [{ role: 'user', content: item.question }],
    max_tokens: 40,
    mneme: { memory: memoryOf(at) },
    logprobs: true,
  }
  const greedy = (await client.call<Completion>('/v1/chat/completions', { ...asked, temperature: 0 })).choices[0]!
  const replies: string[] = []
  for (let seed = 1; seed <= SAMPLES; seed++)
    replies.push(
      (await client.call<Completion>('/v1/chat/completions', { ...asked, temperature: 0.8, seed })).choices[0]!.message
        .content,
    )
  const same = replies.filter((reply) => reply.trim() === greedy.message.content.trim()).length
  const surprise = -mean((greedy.logprobs?.content ?? []).map(({ logprob }) => logprob))
  sampled.push({ isWrong: !isRightReply(item, greedy.message.content), disagreement: 1 - same / SAMPLES, surprise })
}
console.log('\n| finds wrong replies by | wrong of all | AUROC |\n|---|---|---|')
area(
  'the verdicts of the critic',
  first.map(({ isWrong, flagged }) => ({ isWrong, score: flagged })),
)
area(
  `self-consistency of ${SAMPLES} samples`,
  sampled.map(({ isWrong, disagreement }) => ({ isWrong, score: disagreement })),
)
area(
  'mean log-probability of its tokens',
  sampled.map(({ isWrong, surprise }) => ({ isWrong, score: surprise })),
)

function area(name: string, rated: readonly { readonly isWrong: boolean; readonly score: number }[]): void {
  const of = (isWrong: boolean): number[] => rated.filter((one) => one.isWrong === isWrong).map(({ score }) => score)
  console.log(`| ${name} | ${of(true).length} of ${rated.length} | ${auroc(of(true), of(false)).toFixed(3)} |`)
}

/** 1 for a reply that is contradicted or invented, 0 for one that is supported. */
function flagOf(verdicts: readonly Verdict[]): number {
  if (verdicts.some(({ verdict, invented }) => verdict === 'contradicted' || invented)) return 1
  return verdicts.some(({ verdict }) => verdict === 'supported') ? 0 : 0.5
}

function isRightReply({ facts, kind }: CriticItem, reply: string): boolean {
  return kind === 'repeat' ? facts.some(({ value }) => mentions(reply, value)) : DENIAL.test(reply)
}

function shown(right: number): string {
  const { share, interval } = shareOf(right, items.length)
  return `${percent(share)} (${interval.map(percent).join(' to ')})`
}
