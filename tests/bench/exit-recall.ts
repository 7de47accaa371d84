/**
 * What a session still knows after an early exit decided its replies, over HTTP.
 *   npx tsx tests/bench/exit-recall.ts BUNDLE [THRESHOLDS=0.8,0.4,0] [CONVERSATIONS=5] [FACTS=8] [TURNS=100]
 * BUNDLE is a keeper that was trained with exits. A user tells facts, then makes small talk; every reply of it is decided by the
 * exit where it is surer than the threshold. Then each fact is asked three times: of that session, answered by the whole
 * model; of a new one that reads the same words by the whole model; of the first again, answered with the threshold too.
 * The row "drafts" has the exit's drafts instead, which the whole model verifies.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attributes } from '../../trainer/data/keeper/attributes.ts'
import { askTurn, fillerTurn, tellTurn, type Fact } from '../../trainer/data/keeper/chat.ts'
import { drawValue } from '../../trainer/data/keeper/values.ts'
import { percent, shareOf } from '../../trainer/evaluate/interval.ts'
import { holdsValue } from '../../trainer/evaluate/keeper-score.ts'
import { Random } from '../../trainer/random.ts'
import { createModel } from '../../models/registry.ts'
import { loadBundle } from '../../runtime/bundle.ts'
import { listening } from '../support/process.ts'

const [folder, listed = '0.8,0.4,0', conversations = '5', facts = '8', turns = '100'] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: exit-recall.ts BUNDLE [THRESHOLDS] [CONVERSATIONS] [FACTS] [TURNS]')

interface Message {
  readonly role: 'user' | 'assistant'
  readonly content: string
}
interface Exit {
  readonly drafted_tokens: number
  readonly accepted_tokens: number
  readonly unverified_tokens: number
}
interface Reply {
  readonly id: string
  readonly output: readonly { readonly content?: readonly { readonly text: string }[] }[]
  readonly usage: {
    readonly output_tokens: number
    readonly mneme?: { readonly early_exit?: Exit }
  }
  readonly error?: { readonly message: string } | null
}

const data = mkdtempSync(join(tmpdir(), 'mneme-exit-recall-'))
const flags = ['serve', folder, '--port', '0', '--data', data, '--log-level', 'warn', '--memories', 'off']
const server = await listening(
  spawn(process.execPath, ['clients/cli/bin.js', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] }),
)

/** A greedy reply; its tokens and those that the exit decided. */
async function say(input: string | readonly Message[], early_exit: boolean | number, previous?: string) {
  const gates = { early_exit, episodic: false, semantic: false, verification: false }
  const body = { input, temperature: 0, max_output_tokens: 48, 'speculative.n_max': 0, mneme: { gates } }
  const before = previous === undefined ? {} : { previous_response_id: previous }
  const reply = (await (await server.post('/v1/responses', { ...body, ...before })).json()) as Reply
  if (reply.error) throw new Error(reply.error.message)
  const text = reply.output.flatMap(({ content }) => (content ?? []).map((part) => part.text)).join('')
  const { output_tokens: tokens, mneme } = reply.usage
  return { id: reply.id, text, tokens, exit: mneme?.early_exit }
}

const NOTHING = { tokens: 0, unverified: 0, drafted: 0, accepted: 0, asked: 0, right: 0, reread: 0, same: 0, lossy: 0 }
type Counts = typeof NOTHING

/** One conversation, the same of every threshold in what the user says. */
async function converse(threshold: boolean | number, index: number, counts: Counts): Promise<void> {
  const random = new Random(index + 1)
  const told = random
    .shuffle([...attributes])
    .slice(0, Number(facts))
    .map((attribute): Fact => ({ attribute, value: drawValue(random, attribute.kind, 'heldout') }))
  const users = [
    ...told.map((fact) => tellTurn(random, [fact]).user),
    ...Array.from({ length: Number(turns) }, () => fillerTurn(random).user),
  ]
  const messages: Message[] = []
  let last: string | undefined
  for (const user of users) {
    const reply = await say(user, threshold, last)
    last = reply.id
    counts.tokens += reply.tokens
    counts.unverified += reply.exit?.unverified_tokens ?? 0
    counts.drafted += reply.exit?.drafted_tokens ?? 0
    counts.accepted += reply.exit?.accepted_tokens ?? 0
    messages.push({ role: 'user', content: user }, { role: 'assistant', content: reply.text })
  }
  for (const fact of told) {
    const question = askTurn(random, fact).user
    const answer = await say(question, false, last)
    const reread = await say([...messages, { role: 'user', content: question }], false)
    const lossy = await say(question, threshold, last)
    counts.asked++
    if (holdsValue(answer.text, fact.value)) counts.right++
    if (holdsValue(reread.text, fact.value)) counts.reread++
    if (answer.text === reread.text) counts.same++
    if (holdsValue(lossy.text, fact.value)) counts.lossy++
  }
}

const { manifest } = await loadBundle(folder)
const depth = createModel(manifest.architecture, manifest.config).layers
const after = manifest.early!.after
const each = (count: number): number => Math.round(count / Number(conversations))
const nameOf = (threshold: boolean | number): string =>
  typeof threshold === 'number' ? String(threshold) : threshold ? 'drafts' : 'none'
const shown = (right: number, asked: number): string => {
  const { share, interval } = shareOf(right, asked)
  return `${percent(share)} (${interval.map(percent).join(' to ')})`
}

try {
  console.log(`${conversations} conversations, ${facts} facts told, ${turns} turns of small talk; percent of answers\n`)
  console.log(
    '| threshold | right of drafted | unverified tokens a conversation | layers a token | recalled | the same words read whole | same reply | answers with the threshold |',
  )
  console.log('| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |')
  for (const threshold of [false, true, ...listed.split(',').map(Number)] as const) {
    const counts = { ...NOTHING }
    for (let index = 0; index < Number(conversations); index++) await converse(threshold, index, counts)
    const { tokens, unverified, drafted, accepted, asked, right, reread, same, lossy } = counts
    const mean = depth - ((depth - after) * unverified) / tokens
    console.log(
      `| ${nameOf(threshold)} | ${accepted} of ${drafted} | ${each(unverified)} of ${each(tokens)} | ` +
        `${mean.toFixed(2)} of ${depth} | ${shown(right, asked)} | ${shown(reread, asked)} | ${same} of ${asked} | ${shown(lossy, asked)} |`,
    )
  }
} finally {
  server.child.kill('SIGTERM')
  await server.exited
  rmSync(data, { recursive: true })
}
