/** The HTTP thread's side of the tokenizer's thread: one text at a time, short ones first, none for too long. */
import type { Worker } from 'node:worker_threads'
import type { Logger } from 'pino'
import { createDeferred, type Deferred } from '../deferred.ts'
import { startThread } from '../thread.ts'
import { lengthOf, type Encoded, type TextAnswer, type TextQuestion } from './encode.ts'
import type { Prompt } from './messages.ts'
import { OwnerClock } from './owner-clock.ts'

/** Turns prompts into token ids. */
export interface Tokenizer {
  /** Ids that end a message in the model's chat format. */
  readonly messageEnds: readonly number[]
  /** Rejects only when the server is closing. */
  encode(owner: string, prompt: Prompt, continued: boolean, pending: number): Promise<Encoded>
  /** The ids of the prompt's and the reply's text together; null where it does not tell which ids they are. */
  reencode(owner: string, prompt: readonly number[], reply: readonly number[]): Promise<readonly number[] | null>
}

export interface TokenizerThread {
  /** The tokenizer of a bundle's folder. Rejects if it cannot be opened. */
  open(folder: string): Promise<Tokenizer>
  close(): Promise<void>
}

/** What the thread is asked, and what it answers. */
export interface TokenizerRequest {
  readonly folder: string
  readonly question: TextQuestion
}
export type TokenizerAnswer = TextAnswer | { readonly kind: 'unusable'; readonly message: string }

/** A text or a chat template that takes longer than this will never end. */
const TIMEOUT_MS = 20_000
/** Heap of the thread: a chat template that builds without end runs into it, and the server goes on. */
const HEAP_MB = 2_048

interface Waiting {
  readonly owner: string
  readonly size: number
  readonly request: TokenizerRequest
  readonly answer: Deferred<TokenizerAnswer>
}

/** Starts the thread that tokenizes for all models; `module` is its entry. No text gets more than `timeoutMs`. */
export function startTokenizerThread(module: URL, log: Logger, timeoutMs = TIMEOUT_MS): TokenizerThread {
  const clock = new OwnerClock()
  let waiting: Waiting[] = []
  let current: Waiting | null = null
  let thread: Worker | null = null
  let timer: NodeJS.Timeout | undefined
  let closing = false

  const finish = (answer: TokenizerAnswer): void => {
    clearTimeout(timer)
    const done = current
    current = null
    if (done) clock.leave(done.owner)
    done?.answer.resolve(answer)
    next()
  }
  const run = (): Worker => {
    const started = startThread(module, {}, { maxOldGenerationSizeMb: HEAP_MB })
    started.on('message', (answer: TokenizerAnswer) => finish(answer))
    started.on('error', (error) => log.error({ err: error }, "the tokenizer's thread failed; starting it again"))
    started.on('exit', () => {
      if (thread === started) thread = null
      if (closing || !current) return
      const message = 'it took too much time or memory to turn into tokens'
      finish({ kind: 'encoded', encoded: { code: 'prompt_refused', message } })
    })
    return started
  }
  const next = (): void => {
    if (current || waiting.length === 0 || closing) return
    // The owner who had least, and of theirs the shortest.
    const best = waiting.reduce((a, b) => {
      const given = clock.given(b.owner) - clock.given(a.owner)
      return (a.owner === b.owner ? 0 : given) < 0 || (given === 0 && b.size < a.size) ? b : a
    })
    waiting = waiting.filter((one) => one !== best)
    clock.charge(best.owner, best.size)
    current = best
    thread ??= run()
    thread.postMessage(best.request, [])
    timer = setTimeout(() => void thread?.terminate(), timeoutMs)
  }
  const ask = (owner: string, request: TokenizerRequest): Promise<TokenizerAnswer> => {
    const answer = createDeferred<TokenizerAnswer>()
    clock.enter(owner)
    waiting.push({ owner, size: sizeOf(request.question), request, answer })
    next()
    return answer.promise
  }
  return {
    async open(folder) {
      const opened = await ask('', { folder, question: { kind: 'open' } })
      if (opened.kind === 'unusable') throw new Error(opened.message)
      return {
        messageEnds: opened.kind === 'opened' ? opened.messageEnds : [],
        async encode(owner, prompt, continued, pending) {
          const answer = await ask(owner, { folder, question: { kind: 'encode', prompt, continued, pending } })
          if (answer.kind === 'encoded') return answer.encoded
          const message = answer.kind === 'unusable' ? answer.message : 'the tokenizer gave another answer'
          return { code: 'engine_failed', message }
        },
        async reencode(owner, prompt, reply) {
          const answer = await ask(owner, { folder, question: { kind: 'reencode', prompt, reply } })
          return answer.kind === 'reencoded' ? answer.ids : null
        },
      }
    },
    async close() {
      closing = true
      clearTimeout(timer)
      await thread?.terminate()
    },
  }
}

function sizeOf(question: TextQuestion): number {
  if (question.kind === 'open') return 0
  if (question.kind === 'reencode') return question.reply.length
  const { prompt } = question
  const told = prompt.kind === 'chat' ? JSON.stringify(prompt.tools ?? []).length : 0
  return lengthOf(prompt) + told
}
