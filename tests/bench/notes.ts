/**
 * Answers from notes about the user: a base model and its adapter side by side, greedily, over HTTP.
 * `npx tsx tests/bench/notes.ts URL MODEL...`, with the URL of a server that has the models
 * (`npm start -- bundles/smollm2 bundles/smollm2+notes`); `--each N` generated conversations of a case (default 60),
 * `--show` prints what was wrong.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { notesText } from '../../runtime/notes.ts'
import type { Message } from '../../runtime/text.ts'
import { exampleSource } from '../../trainer/data/notes/example.ts'
import { readReplies } from '../../trainer/data/notes/replies.ts'
import { percent, shareOf } from '../../trainer/evaluate/interval.ts'
import { Random } from '../../trainer/random.ts'

interface Item {
  readonly set: string
  readonly messages: readonly Message[]
  /** Any of these in the reply is right; none: it was never told. */
  readonly accepts: readonly string[]
  /** None of these may stand in it. */
  readonly refuses: readonly string[]
}

interface Written {
  readonly case: string
  readonly notes: readonly string[]
  readonly question: string
  readonly accepts?: readonly string[]
  readonly refuses?: readonly string[]
}

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { each: { type: 'string', default: '60' }, show: { type: 'boolean', default: false } },
})
const [url, ...models] = positionals
if (url === undefined || models.length === 0) throw new Error('expected URL MODEL...')

const items = [...written(), ...generated(Number(flags.each))]
process.stdout.write('| questions | model | n | right | 95 % | says it does not know | invented or wrong |\n')
process.stdout.write('| --- | --- | ---: | ---: | --- | ---: | ---: |\n')
for (const set of new Set(items.map((item) => item.set))) for (const model of models) await measure(set, model)

async function measure(set: string, model: string): Promise<void> {
  const asked = items.filter((item) => item.set === set)
  const count = { right: 0, unsure: 0, wrong: 0 }
  for (const item of asked) {
    const reply = await replyOf(model, item)
    const verdict = judge(item, reply)
    count[verdict]++
    const isRight = verdict === 'right' || (verdict === 'unsure' && item.accepts.length === 0)
    if (flags.show && !isRight)
      process.stderr.write(
        `${set} ${model}: ${JSON.stringify(item.messages.slice(0, 2).map(({ content }) => content))}\n  ${reply}\n`,
      )
  }
  const told = asked[0]!.accepts.length > 0
  const { share, interval } = shareOf(told ? count.right : count.unsure, asked.length)
  const range = interval.map(percent).join(' to ')
  const others = [count.unsure, count.wrong].map((n) => percent(n / asked.length)).join(' % | ')
  process.stdout.write(`| ${set} | ${model} | ${asked.length} | ${percent(share)} % | ${range} | ${others} % |\n`)
}

/** `unsure`: it says that it has not been told. Of a question that the notes answer, that is not right. */
function judge({ accepts, refuses }: Item, reply: string): 'right' | 'unsure' | 'wrong' {
  if (saysUnknown(reply)) return 'unsure'
  const has = (text: string): boolean => reply.toLowerCase().includes(text.toLowerCase())
  return accepts.some(has) && !refuses.some(has) ? 'right' : 'wrong'
}

/** Any plain way to say so, since the base was not taught our sentence. */
function saysUnknown(reply: string): boolean {
  return /(have not|haven't|has not|not been|never) (told|mentioned|shared|said|provided)|(do not|don't|not) (have|know|sure|recall|remember)|no information|not able to|can't recall/i.test(
    reply,
  )
}

async function replyOf(model: string, { messages }: Item): Promise<string> {
  const body = { model, messages, temperature: 0, max_tokens: 48, store: false }
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok)
    throw new Error(`${url}: expected a reply of ${model}, got ${response.status} ${await response.text()}`)
  const json = (await response.json()) as { choices: [{ message: { content: string } }] }
  return json.choices[0].message.content
}

/** The hand-written ones. */
function written(): Item[] {
  const lines = readFileSync('tests/fixtures/notes/handwritten.jsonl', 'utf8').trim().split('\n')
  return lines.map((line) => {
    const { case: kind, notes, question, accepts = [], refuses = [] } = JSON.parse(line) as Written
    const noted: Message[] =
      notes.length > 0 ? [{ role: 'system', content: notesText(notes.map((text) => ({ text }))) }] : []
    return { set: `hand-written, ${kind}`, messages: [...noted, { role: 'user', content: question }], accepts, refuses }
  })
}

/** Generated ones, of stems, words and shapes of values that training does not have. */
function generated(each: number): Item[] {
  const draw = exampleSource(readReplies(), 'heldout')
  return (['told', 'corrected', 'untold'] as const).flatMap((kind) => {
    const random = new Random(`notes evaluation ${kind}`)
    return Array.from({ length: each }, () => {
      const { messages, values } = draw(random, kind)
      return { set: `generated, ${kind}`, messages, accepts: values, refuses: [] }
    })
  })
}
