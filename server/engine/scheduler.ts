/** Which tokens run next: at each step one chunk of one prompt, then one token of every running line. */
import type { TextCodec } from '../../runtime/text.ts'
import type { FinishReason, FirstToken, FromEngine, ReplayJob, TokenLogprob, TurnJob } from './messages.ts'
import { describeToken, Reply } from './reply.ts'
import { CHUNK, type Lane, type Runner } from './runner.ts'
import { describe, LogitsError, sample, type Draw } from './sampler.ts'
import { checkpointOf, feedingOf, lineOf, type Feeding, type Line } from './sequence.ts'

/** Prompts that are fed in turns: more would only share the same time, and each has its own state buffers. */
const LANES = 4

export class Scheduler {
  readonly #runner: Runner
  readonly #codec: TextCodec
  readonly #emit: (event: FromEngine) => void
  readonly #waiting: Feeding[] = []
  /** The next one to get a chunk is first. */
  readonly #feeding: Feeding[] = []
  readonly #ready: Line[] = []
  /** Index = row of the runner. */
  readonly #rows: Line[] = []
  readonly #freeLanes: Lane[] = []

  constructor(runner: Runner, codec: TextCodec, emit: (event: FromEngine) => void) {
    this.#runner = runner
    this.#codec = codec
    this.#emit = emit
  }

  get idle(): boolean {
    return this.#waiting.length + this.#feeding.length + this.#ready.length + this.#rows.length === 0
  }

  /** Takes a job whose prompt (its own tokens) has been checked. */
  add(job: TurnJob | ReplayJob, prompt: readonly number[]): void {
    this.#waiting.push(feedingOf(job, prompt))
  }

  /** Forgets a job wherever it is; unknown ids are finished jobs and ignored. */
  cancel(id: number): void {
    drop(this.#waiting, id)
    for (const feeding of drop(this.#feeding, id)) this.#giveBack(feeding)
    drop(this.#ready, id)
    for (let row = this.#rows.length - 1; row >= 0; row--) if (this.#rows[row]?.job.id === id) this.#leave(row)
  }

  /** One step. Rejects never: what goes wrong ends the jobs it concerns. */
  async step(): Promise<void> {
    this.#admit()
    const feeding = this.#feeding.shift()
    if (feeding) await this.#guard([feeding.job.id], () => this.#feedChunk(feeding))
    this.#fillRows()
    if (this.#rows.length === 0) return
    await this.#guard([...new Set(this.#rows.map(({ job }) => job.id))], () => this.#decode())
  }

  #admit(): void {
    const busy = (): number => this.#feeding.length + this.#ready.length + this.#rows.length
    while (this.#waiting.length > 0 && this.#feeding.length < LANES && busy() < this.#runner.rows) {
      const feeding = this.#waiting.shift() as Feeding
      feeding.lane = this.#freeLanes.pop() ?? this.#runner.lane()
      feeding.lane.load(feeding.job.from?.state ?? null)
      this.#feeding.push(feeding)
      this.#emit({ kind: 'started', id: feeding.job.id })
    }
  }

  async #feedChunk(feeding: Feeding): Promise<void> {
    const lane = feeding.lane as Lane
    const { job, feed, fed } = feeding
    const wanted = job.kind === 'turn' ? job.promptLogprobs : null
    try {
      // Where chunks begin depends on this turn's tokens only, so a replay makes the identical calls.
      const ids = feed.slice(fed, fed + CHUNK)
      const logits = await lane.run(ids, wanted === null ? 'last' : 'all')
      feeding.fed += ids.length
      if (feeding.fed < feed.length)
        this.#emit({ kind: 'progress', id: job.id, prefilled: feeding.fed, total: feed.length })
      if (wanted !== null) this.#tellPrompt(feeding, fed, logits, wanted)
      if (feeding.fed < feed.length) this.#feeding.push(feeding)
      else this.#begin(feeding, this.#row(logits, logits.length / this.#runner.vocab - 1).slice())
    } catch (error) {
      this.#giveBack(feeding)
      throw error
    }
  }

  /** Log-probabilities of the prompt's tokens after the ones of this chunk, by the logits that predict them. */
  #tellPrompt(feeding: Feeding, from: number, logits: Float32Array, wanted: number): void {
    const tokens: (TokenLogprob | FirstToken)[] = []
    const first = feeding.feed[0] as number
    if (from === 0) tokens.push({ id: first, bytes: this.#codec.bytes(first), logprob: null, top: [] })
    for (let at = from; at < feeding.fed && at + 1 < feeding.feed.length; at++) {
      const id = feeding.feed[at + 1] as number
      tokens.push(describeToken(this.#codec, { id, ...describe(this.#row(logits, at - from), id, wanted) }))
    }
    this.#emit({ kind: 'prompt-logprobs', id: feeding.job.id, tokens })
  }

  /** The prompt has been fed: its choices begin. */
  #begin(feeding: Feeding, logits: Float32Array): void {
    const { job } = feeding
    const lane = feeding.lane as Lane
    if (job.kind === 'replay') {
      const line = lineOf(feeding, 0, null)
      if (job.steps.length === 0) this.#finish(line, 'length', lane.save())
      else this.#ready.push(Object.assign(line, { parked: lane.save(), next: job.steps[0] as number }))
    } else {
      for (let choice = 0; choice < job.choices; choice++) {
        const reply = new Reply(this.#codec, { ...job, logprobs: job.sampling.logprobs !== null })
        const line = lineOf(feeding, choice, reply)
        const finished = job.maxTokens === 0 ? 'length' : this.#sample(line, logits)
        if (finished) this.#finish(line, finished, job.keep ? lane.save() : null)
        else this.#ready.push(Object.assign(line, { parked: lane.save() }))
      }
    }
    this.#giveBack(feeding)
  }

  #fillRows(): void {
    while (this.#ready.length > 0 && this.#rows.length < this.#runner.rows) {
      const line = this.#ready.shift() as Line
      this.#runner.load(this.#rows.length, line.parked as Uint8Array)
      line.parked = null
      this.#rows.push(line)
    }
  }

  async #decode(): Promise<void> {
    const logits = await this.#runner.decode(this.#rows.map(({ next }) => next))
    // From the last row down: a row that leaves is replaced by the last one, which has had its turn by then.
    for (let row = this.#rows.length - 1; row >= 0; row--) {
      const line = this.#rows[row] as Line
      line.position++
      line.stepped++
      await this.#guard([line.job.id], () => this.#advance(row, line, this.#row(logits, row)))
    }
  }

  #advance(row: number, line: Line, logits: Float32Array): void {
    const { job } = line
    let finished: FinishReason | null
    if (job.kind === 'replay') {
      finished = line.stepped < job.steps.length ? null : 'length'
      line.next = job.steps[line.stepped] ?? -1
    } else {
      finished = this.#sample(line, logits)
    }
    if (!finished) return
    const state = job.kind === 'replay' || job.keep ? this.#runner.save(row) : null
    this.#leave(row)
    this.#finish(line, finished, state)
  }

  /** Samples the line's next token and tells its text. */
  #sample(line: Line, logits: Float32Array): FinishReason | null {
    const { sampling, id } = line.job as TurnJob
    const reply = line.reply as Reply
    const history = { prompt: line.prompt, generated: line.counts }
    const draw: Draw = sample(logits, sampling, history, line.choice, reply.generated.length)
    line.next = draw.id
    line.counts.set(draw.id, (line.counts.get(draw.id) ?? 0) + 1)
    const now = performance.now()
    if (reply.generated.length > 0) line.intervals.push(now - line.lastAt)
    line.lastAt = now
    const { text, tokens, finished } = reply.push(draw)
    if (text !== '' || tokens.length > 0) this.#emit({ kind: 'text', id, choice: line.choice, text, tokens })
    return finished
  }

  #finish(line: Line, reason: FinishReason, state: Uint8Array | null): void {
    const { id } = line.job
    const checkpoint = state && checkpointOf(line, state, reason, this.#codec.eos[0])
    const generated = line.reply?.generated ?? []
    const end = line.reply?.end ?? null
    this.#emit({ kind: 'done', id, choice: line.choice, reason, generated, end, checkpoint, intervals: line.intervals })
  }

  /** Takes a row out; the last row moves into its place. */
  #leave(row: number): void {
    const last = this.#rows.length - 1
    if (row !== last) {
      this.#runner.move(last, row)
      this.#rows[row] = this.#rows[last] as Line
    }
    this.#rows.pop()
  }

  /** Logits of the tokens that exist; what a model has beyond them is padding. */
  #row(logits: Float32Array, row: number): Float32Array {
    const start = row * this.#runner.vocab
    return logits.subarray(start, start + this.#codec.vocabSize)
  }

  #giveBack(feeding: Feeding): void {
    if (feeding.lane) this.#freeLanes.push(feeding.lane)
    feeding.lane = null
  }

  /** Runs `work`; if it throws, the jobs `ids` are over, and only they. */
  async #guard(ids: readonly number[], work: () => void | Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      const code = error instanceof LogitsError ? 'engine_non_finite' : 'engine_failed'
      const message = error instanceof Error ? error.message : String(error)
      for (const id of ids) {
        this.cancel(id)
        this.#emit({ kind: 'error', id, code, message })
      }
    }
  }
}

/** Removes and returns what belongs to job `id`. */
function drop<T extends { readonly job: { readonly id: number } }>(list: T[], id: number): T[] {
  const dropped = list.filter(({ job }) => job.id === id)
  if (dropped.length > 0) list.splice(0, list.length, ...list.filter(({ job }) => job.id !== id))
  return dropped
}
