/** Which tokens run next: each step feeds one chunk of one prompt, and the next token of every running sequence. */
import type { TextCodec } from '../../runtime/text.ts'
import type { SessionState } from '../checkpoint.ts'
import { DecodeQueue } from './decode-queue.ts'
import { biasIn } from './expert-bias.ts'
import type { EngineEvent, FinishReason, FirstToken, Job, TokenLogprob, TurnJob } from './messages.ts'
import { marginOf } from './exit-drafter.ts'
import { OwnerClock } from './owner-clock.ts'
import { PrefillQueue } from './prefill-queue.ts'
import { BESIDE, joinCalls } from './prefill-calls.ts'
import { describeToken, Reply } from './reply.ts'
import { callLengths, countFed, draftOf, roomForDraft } from './reply-calls.ts'
import type { ExitCalls, Row, Runner, Segment, StepResult } from './runner.ts'
import { describe, LogitsError, requireFinite, sample } from './sampler.ts'
import * as sequences from './sequence.ts'
import { handsOut, snapshotDue } from './snapshots.ts'
import type { DecodeSequence, PromptSequence } from './sequence.ts'

/** A segment of a step, and what to do with its logits. */
interface Work {
  readonly job: Job
  readonly segment: Segment
  /** `beside`: computed with tokens of other sequences, where that matters. */
  readonly use: (logits: Float32Array, beside: boolean, drafted: readonly number[]) => void
}

/** The ids of a call of a reply, of which the last `drafted` are a draft: the exit's, or of n-grams. */
interface FedCall {
  readonly ids: readonly number[]
  readonly drafted: number
  readonly byExit: boolean
}

export class Scheduler {
  readonly #runner: Runner
  readonly #codec: TextCodec
  readonly #emit: (events: readonly EngineEvent[]) => void
  readonly #clock = new OwnerClock()
  readonly #prompts = new PrefillQueue(this.#clock)
  readonly #decoding: DecodeQueue
  /** Jobs in the engine, by id: a job that is not here is over. */
  readonly #jobs = new Map<number, { readonly job: Job; open: number }>()
  /** Jobs that were cancelled while a step ran: it may be using their rows. */
  readonly #cancelled = new Set<number>()
  /** Owners whose kept memory is to be given back after the step. */
  readonly #forgotten = new Set<string>()
  #stepping = false
  #events: EngineEvent[] = []

  /** `emit` gets what a step has to say, in one call where it can. */
  constructor(runner: Runner, codec: TextCodec, emit: (events: readonly EngineEvent[]) => void) {
    this.#runner = runner
    this.#codec = codec
    this.#emit = emit
    this.#decoding = new DecodeQueue(runner.rows, this.#clock)
  }

  get idle(): boolean {
    return this.#jobs.size === 0
  }

  /** Takes a job and its prompt's own tokens, which have been checked. Any time, also during a step. */
  add(job: Job, prompt: readonly number[]): void {
    this.#jobs.set(job.id, { job, open: job.kind === 'turn' ? job.choices : 1 })
    this.#clock.enter(job.owner)
    this.#prompts.add(sequences.promptSequence(job, prompt, this.#prompts.prefilled))
  }

  /** Gives back what is kept of an owner's sequences that have ended. Not during a step: later. */
  forget(owner: string): void {
    if (this.#stepping) this.#forgotten.add(owner)
    else this.#runner.forget(owner)
  }

  /** Ends a job without a further word. Any time; unknown ids are finished jobs and ignored. */
  cancel(id: number): void {
    if (!this.#jobs.has(id)) return
    if (this.#stepping) this.#cancelled.add(id)
    else this.#drop(id)
  }

  /** Never rejects. A failure ends only the jobs it belongs to. */
  async step(): Promise<void> {
    const work = [...this.#prefillWork(), ...this.#decodeWork()]
    this.#flush() // who waits hears that their prompt has begun before it is computed
    if (work.length > 0) {
      this.#stepping = true
      const results = await this.#run(work.map(({ segment }) => segment))
      this.#stepping = false
      for (const id of this.#cancelled) this.#drop(id)
      this.#cancelled.clear()
      for (const owner of this.#forgotten) this.#runner.forget(owner)
      this.#forgotten.clear()
      for (const [at, { job, use }] of work.entries()) this.#take(job, results[at] as StepResult, use)
    }
    this.#flush()
  }

  #flush(): void {
    const events = this.#events
    this.#events = []
    if (events.length > 0) this.#emit(events)
  }

  async #run(segments: readonly Segment[]): Promise<readonly StepResult[]> {
    try {
      return await this.#runner.step(segments)
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown))
      return segments.map(() => ({ error }))
    }
  }

  /** Hands a segment's logits on, unless its job is over; what goes wrong ends that job. */
  #take(job: Job, result: StepResult, use: Work['use']): void {
    if (!this.#jobs.has(job.id)) return
    try {
      if ('error' in result) throw result.error
      use(result.logits, this.#runner.batchMatters && result.beside === true, result.drafted ?? [])
    } catch (error) {
      this.#drop(job.id)
      const code = error instanceof LogitsError ? 'engine_non_finite' : 'engine_failed'
      this.#events.push({
        kind: 'error',
        id: job.id,
        code,
        message: error instanceof Error ? error.message : String(error),
      })
    }
  }

  #prefillWork(): Work[] {
    const prompt = this.#prompts.next((candidate) => this.#mayBegin(candidate))
    if (!prompt) return []
    const { job, tokens, prefilled } = prompt
    const row = prompt.row ?? this.#placePrompt(prompt)
    const wanted = job.kind === 'turn' ? job.promptLogprobs : null
    const ids = tokens.slice(prefilled, prefilled + sequences.nextPrefill(prompt))
    const beside = sequences.isNextPrefillBeside(prompt)
    const use = (logits: Float32Array): void => {
      this.#prompts.advance(prompt, ids.length)
      sequences.countPrefill(prompt, ids.length)
      if (snapshotDue(prompt)) this.#snapshotPrompt(prompt, logits.subarray(-this.#runner.vocab))
      if (wanted !== null) this.#tellPrompt(prompt, prefilled, logits, wanted)
      if (prompt.prefilled === tokens.length) this.#begin(prompt, logits.subarray(-this.#runner.vocab))
      else this.#events.push({ kind: 'progress', id: job.id, prefilled: prompt.prefilled, total: tokens.length })
    }
    return [{ job, segment: { row, ids, use: 'prefill', beside, logits: wanted === null ? 'last' : 'all' }, use }]
  }

  /** A prompt begins if its replies will find rows, or if its owner has less than a fair share of them. */
  #mayBegin(prompt: PromptSequence): boolean {
    if (hasBegun(prompt)) return true
    const rows = this.#runner.rows
    const begun = this.#prompts.prompts.filter(hasBegun)
    if (begun.length + this.#decoding.size < rows) return true
    const { owner } = prompt.job
    const own = begun.filter(({ job }) => job.owner === owner).length + this.#decoding.countOf(owner)
    return own < Math.max(1, Math.floor(rows / this.#clock.owners))
  }

  #placePrompt(prompt: PromptSequence): Segment['row'] {
    const { job } = prompt
    const { owner, from, gates } = job
    const [position, tokens] = [sequences.positionOf(prompt), sequences.tokensAhead(prompt)]
    prompt.row = this.#runner.open(owner, from?.state ?? null, position, biasIn(gates), tokens)
    this.#events.push({ kind: 'started', id: job.id })
    return prompt.row
  }

  /** Log-probabilities of the prompt's tokens after the ones of this chunk, by the logits that predict them. */
  #tellPrompt(prompt: PromptSequence, from: number, logits: Float32Array, wanted: number): void {
    const tokens: (TokenLogprob | FirstToken)[] = []
    const first = prompt.tokens[0] as number
    if (from === 0) tokens.push({ id: first, bytes: this.#codec.bytes(first), logprob: null, top: [] })
    for (let at = from; at < prompt.prefilled && at + 1 < prompt.tokens.length; at++) {
      const id = prompt.tokens[at + 1] as number
      const row = logits.subarray((at - from) * this.#runner.vocab)
      tokens.push(describeToken(this.#codec, { id, ...describe(this.#existing(row), id, wanted) }))
    }
    this.#events.push({ kind: 'prompt-logprobs', id: prompt.job.id, tokens })
  }

  /** The prompt has been prefilled: its choices begin. The last one takes over the prompt's row. */
  #begin(prompt: PromptSequence, logits: Float32Array): void {
    const { job } = prompt
    const row = prompt.row as Row
    const choices = job.kind === 'turn' ? job.choices : 1
    const [position, tokens] = [sequences.positionOf(prompt), sequences.tokensAhead(prompt)]
    const again = (): Row =>
      this.#runner.open(job.owner, this.#runner.save(row, 0), position, biasIn(job.gates), tokens)
    for (let choice = 0; choice < choices; choice++) {
      const reply =
        job.kind === 'turn' ? new Reply(this.#codec, { ...job, logprobs: job.sampling.logprobs !== null }) : null
      const isLast = choice === choices - 1
      const own = isLast ? row : again()
      const sequence = sequences.decodeSequence(prompt, own, choice, reply, this.#runner.exit)
      if (isLast) prompt.row = null
      const finished = this.#advance(sequence, logits)
      if (finished) this.#end(sequence, finished)
      else this.#decoding.add(sequence)
    }
    this.#prompts.remove(prompt)
  }

  #decodeWork(): Work[] {
    while (this.#decoding.next());
    const { running } = this.#decoding
    return running.map((sequence) => {
      const { job, row, next } = sequence
      // A draft is a call of its own: several sequences gain more by being computed in one.
      const draft = running.length === 1 ? draftOf(sequence) : []
      const exit = running.length === 1 && draft.length === 0 ? this.#exitCalls(sequence) : {}
      const ids = [...next, ...draft]
      const logits = draft.length > 0 ? 'all' : 'last'
      const take: Work['use'] = (made, wasBeside, ahead) => {
        const byExit = exit.exit?.verified === true
        const call = { ids: [...ids, ...ahead], drafted: byExit ? ahead.length : draft.length, byExit }
        this.#fed(sequence, call, made, wasBeside)
      }
      const beside = job.kind === 'replay' && sequences.callOf(job, sequence) === BESIDE
      // Where it matters, what was computed alone is so again.
      const use = job.kind === 'replay' && this.#runner.batchMatters && !beside ? 'prefill' : 'decode'
      return { job, segment: { row, ids, use, beside, logits, draft: draft.length, ...exit }, use: take }
    })
  }

  /** What the early stage is to do before the sequence's next call; nothing where it has no exit. */
  #exitCalls(sequence: DecodeSequence): { readonly exit?: ExitCalls } {
    const { job, exit } = sequence
    if (!exit || job.kind !== 'turn') return {}
    const most = Math.min(roomForDraft(sequence), job.drafts?.maxTokens ?? Infinity)
    if (most === 0 || !exit.begin()) return {}
    const choose = exit.isLossy
      ? (logits: Float32Array) => this.#takeUnverified(job, sequence, logits)
      : this.#drafting(job, sequence)
    return { exit: { most, verified: !exit.isLossy, choose } }
  }

  /** Chooses tokens of a draft: those that the whole model would draw from the exit's logits. */
  #drafting(job: TurnJob, { exit, reply, choice, counts, prompt }: DecodeSequence): ExitCalls['choose'] {
    const sampling = { ...job.sampling, logprobs: null }
    const generated = new Map(counts)
    let index = reply!.generated.length
    return (logits) => {
      const existing = this.#existing(logits)
      if (!exit!.joins(marginOf(existing))) return null
      const { id } = sample(existing, sampling, { prompt, generated }, choice, index++)
      generated.set(id, (generated.get(id) ?? 0) + 1)
      return id
    }
  }

  /** Takes the exit's token as the reply's where the exit is sure enough; returns what is fed next. */
  #takeUnverified(job: TurnJob, sequence: DecodeSequence, logits: Float32Array): number | null {
    const { exit, reply } = sequence
    if (this.#cancelled.has(job.id)) return null
    const margin = marginOf(this.#existing(logits))
    if (!exit!.takes(margin, reply!.generated.length, job.maxTokens)) return null
    sequence.ending = this.#sample(job, sequence, logits)
    return sequence.ending ? null : sequence.next[0]!
  }

  /** A call has fed ids, and perhaps a draft behind them. */
  #fed(sequence: DecodeSequence, call: FedCall, logits: Float32Array, beside: boolean): void {
    const { job, ending } = sequence
    const { ids, drafted } = call
    this.#clock.charge(job.owner, ids.length)
    sequence.sincePlaced += ids.length
    const known = ids.length - drafted
    if (drafted === 0) countFed(sequence, known, beside)
    let count = known
    const { vocab } = this.#runner
    const last = (): Float32Array => (drafted > 0 ? logits.subarray((count - 1) * vocab, count * vocab) : logits)
    let finished = ending ?? this.#advance(sequence, last())
    while (!finished && count < ids.length && ids[count] === sequence.next[0]) {
      count++
      finished = this.#advance(sequence, last())
    }
    const unfed = drafted > 0 ? ids.slice(this.#settle(sequence, call, count), count) : []
    if (!finished) sequence.next = [...unfed, ...sequence.next]
    else if (unfed.length > 0 && (sequences.keeps(job) || handsOut(job))) {
      sequence.next = unfed
      sequence.ending = finished
    } else {
      this.#decoding.remove(sequence)
      this.#end(sequence, finished)
    }
  }

  /** Of a call with a draft the first `count` ids are right; returns how many the state has been fed. */
  #settle(sequence: DecodeSequence, { ids, drafted, byExit }: FedCall, count: number): number {
    const accepted = count - (ids.length - drafted)
    if (byExit) sequence.exit?.settle(accepted)
    else sequence.drafter?.settle(accepted)
    const fed = this.#runner.accept(sequence.row, count)
    countFed(sequence, fed, false)
    return fed
  }

  /** A reply is over: hands out its states and gives back its row. */
  #end(sequence: DecodeSequence, reason: FinishReason): void {
    const { job, row } = sequence
    this.#flush() // its last text does not wait until its state is copied
    this.#snapshotReply(sequence)
    const state = sequences.keeps(job) ? this.#runner.save(row, sequences.firstOwnPage(job)) : null
    this.#runner.release(row)
    this.#finish(sequence, reason, state)
  }

  /** Decides what the sequence is fed next; returns a reason if it is over. */
  #advance(sequence: DecodeSequence, logits: Float32Array): FinishReason | null {
    const { job } = sequence
    if (job.kind === 'turn') {
      if (job.maxTokens > 0) return this.#sample(job, sequence, logits)
      requireFinite(this.#existing(logits)) // or a state that is not finite would be kept
      return 'length'
    }
    sequence.next = sequences.nextCall(job, sequence)
    return sequence.next.length === 0 ? 'length' : null
  }

  /** Samples the next token and tells its text. */
  #sample(job: TurnJob, sequence: DecodeSequence, logits: Float32Array): FinishReason | null {
    const { choice, counts, prompt } = sequence
    const reply = sequence.reply as Reply
    const index = reply.generated.length
    const draw = sample(this.#existing(logits), job.sampling, { prompt, generated: counts }, choice, index)
    sequence.next = [draw.id]
    sequence.drafter?.push(draw.id)
    counts.set(draw.id, (counts.get(draw.id) ?? 0) + 1)
    const now = performance.now()
    if (index > 0) sequence.intervals.push(now - sequence.lastAt)
    sequence.lastAt = now
    const { text, tokens, finished } = reply.push(draw)
    if (text !== '' || tokens.length > 0) {
      this.#events.push({ kind: 'text', id: job.id, choice, first: !sequence.told, text, tokens })
      sequence.told = true
    }
    return finished
  }

  #snapshotPrompt(prompt: PromptSequence, logits: Float32Array): void {
    requireFinite(this.#existing(logits)) // or every prompt that begins like this one would fail
    const { job, prefilled: position, calls, snapshotAt } = prompt
    const state = this.#runner.save(prompt.row as Row, sequences.firstPageAfter(snapshotAt))
    this.#events.push({ kind: 'snapshot', id: job.id, choice: null, position, calls: [...calls], state })
    prompt.snapshotAt = position
  }

  /** The reply is over: hands out the state that has been fed all of it but the last token. */
  #snapshotReply({ job, row, choice, position, prefillCalls, callRuns, snapshotAt }: DecodeSequence): void {
    if (!handsOut(job)) return
    const calls = joinCalls(prefillCalls, callRuns)
    const state = this.#runner.save(row, sequences.firstPageAfter(snapshotAt))
    this.#events.push({ kind: 'snapshot', id: job.id, choice, position, calls, state })
  }

  #finish(sequence: DecodeSequence, reason: FinishReason, state: SessionState | null): void {
    const { job, choice, intervals } = sequence
    const checkpoint = state && sequences.checkpointOf(sequence, state, reason, this.#codec.eos[0])
    const generated = sequence.reply?.generated ?? []
    const end = sequence.reply?.end ?? null
    const calls = job.kind === 'replay' ? job.calls : callLengths(sequence)
    const drafts = sequence.drafter?.counts ?? null
    const exits = sequence.exit?.counts ?? null
    const { gates = {} } = job
    const prefillCalls = job.kind === 'turn' && job.whole ? sequence.prefillCalls : null
    const fed = { checkpoint, prefillCalls, calls, gates, drafts, exits }
    this.#events.push({ kind: 'done', id: job.id, choice, reason, generated, end, ...fed, intervals })
    const entry = this.#jobs.get(job.id)
    if (entry && --entry.open === 0) this.#leave(job)
  }

  /** Takes a job out, wherever its sequences are. Not during a step. */
  #drop(id: number): void {
    const entry = this.#jobs.get(id)
    if (!entry) return
    for (const prompt of this.#prompts.prompts.filter(({ job }) => job.id === id)) {
      if (prompt.row) this.#runner.release(prompt.row)
      this.#prompts.remove(prompt)
    }
    for (const sequence of this.#decoding.all().filter(({ job }) => job.id === id)) {
      this.#runner.release(sequence.row)
      this.#decoding.remove(sequence)
    }
    this.#leave(entry.job)
  }

  #leave(job: Job): void {
    this.#jobs.delete(job.id)
    this.#clock.leave(job.owner)
  }

  /** Logits of the tokens that exist; what a model has beyond them is padding. */
  #existing(logits: Float32Array): Float32Array {
    return logits.subarray(0, this.#codec.vocabSize)
  }
}

/** Whether a prompt has a row, or had one. */
function hasBegun({ row, prefilled, cached }: PromptSequence): boolean {
  return row !== null || prefilled > cached
}
