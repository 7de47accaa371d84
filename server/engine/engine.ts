/** The engine: takes jobs as messages, turns prompts into tokens, and steps the scheduler while there is work. */
import { TextError, type TextCodec } from '../../runtime/text.ts'
import type { FromEngine, Prompt, ToEngine, TurnJob } from './messages.ts'
import type { Runner } from './runner.ts'
import { Scheduler } from './scheduler.ts'

/** Tokens of one prompt at most: what one request may make the engine compute. */
export const MAX_PROMPT_TOKENS = 131_072

/** Returns the function that takes messages; `emit` gets the answers, `ready` first. */
export function createEngine(
  runner: Runner,
  codec: TextCodec,
  runtime: string,
  emit: (event: FromEngine) => void,
): (message: ToEngine) => void {
  const scheduler = new Scheduler(runner, codec, emit)
  let running = false
  let closing = false
  const isClosing = (): boolean => closing

  const loop = async (): Promise<void> => {
    running = true
    while (!(scheduler.idle || isClosing())) {
      await scheduler.step()
      // Messages (a cancellation, a new job) are taken between steps, so a cancelled reply ends within a token.
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    running = false
    if (closing) runner.close()
  }
  const wake = (): void => {
    if (!running) void loop()
  }

  emit({ kind: 'ready', info: { vocab: codec.vocabSize, stateBytes: runner.stateBytes, rows: runner.rows, runtime } })
  return (message) => {
    if (message.kind === 'cancel') scheduler.cancel(message.id)
    else if (message.kind === 'replay') scheduler.add(message, message.prompt)
    else if (message.kind === 'turn') take(message, codec, scheduler, emit)
    else closing = true
    wake()
  }
}

function take(job: TurnJob, codec: TextCodec, scheduler: Scheduler, emit: (event: FromEngine) => void): void {
  let ids: readonly number[]
  try {
    ids = encode(job.prompt, job.from !== null, codec)
  } catch (error) {
    // A chat template may refuse the messages (say, two system messages): that is the request's fault.
    const code = error instanceof TextError ? 'prompt_refused' : 'engine_failed'
    emit({ kind: 'error', id: job.id, code, message: error instanceof Error ? error.message : String(error) })
    return
  }
  const refused = refusal(ids, (job.from?.pending.length ?? 0) + ids.length, codec)
  if (refused) {
    emit({ kind: 'error', id: job.id, ...refused })
    return
  }
  const promptText = job.prompt.kind === 'ids' ? codec.decode(ids) : job.prompt.kind === 'text' ? job.prompt.text : ''
  emit({ kind: 'accepted', id: job.id, prompt: ids, promptText })
  scheduler.add(job, ids)
}

function encode(prompt: Prompt, continued: boolean, codec: TextCodec): readonly number[] {
  if (prompt.kind === 'ids') return prompt.ids
  if (prompt.kind === 'text') return codec.encode(prompt.text)
  return codec.chat(prompt.messages, { continued, generate: prompt.generate })
}

type Refusal = Pick<Extract<FromEngine, { kind: 'error' }>, 'code' | 'message'>

function refusal(ids: readonly number[], toFeed: number, codec: TextCodec): Refusal | null {
  if (toFeed === 0) return { code: 'prompt_empty', message: 'The prompt is empty: it needs at least one token.' }
  if (ids.length > MAX_PROMPT_TOKENS) {
    const message = `The prompt has ${ids.length} tokens; at most ${MAX_PROMPT_TOKENS} are taken in one request.`
    return { code: 'prompt_too_long', message }
  }
  const wrong = ids.find((id) => id < 0 || id >= codec.vocabSize)
  if (wrong === undefined) return null
  return {
    code: 'prompt_token_invalid',
    message: `Token ${wrong} does not exist: the vocabulary has ${codec.vocabSize}.`,
  }
}
