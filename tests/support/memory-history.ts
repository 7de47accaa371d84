/** Users' memories as a server keeps and reads them: store, rules, evidence and critic, without a model and without HTTP. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifyReply } from '../../server/critic/verify-reply.ts'
import type { Deps } from '../../server/deps.ts'
import { findEvidence } from '../../server/memory/evidence.ts'
import { memoriesOfTurn } from '../../server/memory/told.ts'
import { readingOnce, type Reader } from '../../server/memory/reader.ts'
import type { MadeVector, Memory } from '../../server/store/memory-calls.ts'
import { startStore } from '../../server/store/start.ts'

const OWNER = 'tenant-a'
const USER = 'ann'
const useOf = (user: string) => ({ namespace: 'default', user, read: true, write: true, pin: false })
/** Turns of a conversation. */
const TURNS = 10
const FOUND = 10
/** A reply that says nothing, in whose place the policy `quote` serves an answer. */
const SAYS_NOTHING = 'I see.'
const metric = { observe: () => undefined, inc: () => undefined }
/** What a search needs of a server, without its store. */
export const DEPS = {
  gating: { controller: null, thresholds: {} },
  metrics: { memorySearch: metric, verification: metric, verdicts: metric },
  critic: null,
  smallTalk: null,
  reader: null,
  now: Date.now,
  embedders: [],
  log: console,
}

/** What came of a question: what is served, the first ten that the search finds, and what the reply reads. */
export interface Recalled {
  readonly text: string
  readonly found: readonly string[]
  readonly read: readonly string[]
}

/** By what meanings are compared and memories are read. */
export interface ByMeaning {
  readonly vectorOf: (text: string) => Promise<MadeVector>
  readonly reader: Reader | null
}

export class MemoryHistory {
  readonly #folder = mkdtempSync(join(tmpdir(), 'mneme-history-'))
  readonly #meaning: ByMeaning | null
  readonly store = startStore({
    folder: this.#folder,
    keepStates: 8,
    replayTokens: 2048,
    stateBytes: Infinity,
    prefixBytes: 0,
  })
  #turns = 0

  /** `meaning`: null: only words are compared. */
  constructor(meaning: ByMeaning | null) {
    this.#meaning = meaning
  }

  /** Says something; returns what is remembered of it, and what does not hold any more. */
  async say(
    message: string,
    user = USER,
    conversation = `conversation-${Math.floor(this.#turns / TURNS)}`,
  ): Promise<{ readonly written: readonly Memory[]; readonly ended: readonly Memory[] }> {
    const origin = { response: `turn-${this.#turns++}`, conversation }
    const read = readingOnce(
      { reader: this.#meaning?.reader ?? null, log: console },
      OWNER,
      AbortSignal.timeout(60_000),
    )
    const deps = { store: this.store, now: Date.now }
    const turn = await memoriesOfTurn(deps, OWNER, useOf(user), message, origin, { quoted: null, read })
    await this.store.tellMemories(OWNER, turn.told)
    if (this.#meaning)
      for (const { id, text } of turn.written)
        await this.store.embedMemory(OWNER, id, text, await this.#meaning.vectorOf(text))
    return turn
  }

  /** As `DELETE /v1/memories/{id}`. */
  async remove(memories: readonly Memory[]): Promise<void> {
    for (const { id } of memories)
      await this.store.erase(OWNER, { kind: 'memory', id }, { source: false, cascade: false, force: false })
  }

  async ask(question: string, byMeaning = true, user = USER, heard: readonly string[] = []): Promise<Recalled> {
    const meaning = byMeaning ? this.#meaning : null
    const made = meaning ? await meaning.vectorOf(question) : null
    const own = { embedders: embeddersOf(meaning), reader: meaning?.reader ?? null, store: this.store }
    const deps = { ...DEPS, ...own } as unknown as Deps
    const search = { owner: OWNER, use: useOf(user), message: question, made }
    const isHeard = ({ text }: Memory): boolean => heard.some((message) => message.includes(text))
    const evidence = (await findEvidence(deps, search, isHeard, AbortSignal.timeout(60_000)))!
    const turn = { question, reply: SAYS_NOTHING, evidence, told: null, heard, isWhole: true, knowsOnlyTold: true }
    const { decision } = await verifyReply(deps, OWNER, useOf(user), turn, 'quote')
    return {
      text: decision.action === 'replace' ? decision.text : SAYS_NOTHING,
      found: evidence.found.slice(0, FOUND).map(({ memory }) => memory.text),
      read: evidence.entries.map(({ memory }) => memory.text),
    }
  }

  async close(): Promise<void> {
    await this.store.close()
    rmSync(this.#folder, { recursive: true })
  }
}

function embeddersOf(meaning: ByMeaning | null): readonly unknown[] {
  if (!meaning) return []
  const embed = async (texts: readonly string[]): Promise<unknown> => {
    const made = await Promise.all(texts.map(meaning.vectorOf))
    return { vectors: made.map(({ vector }) => vector) }
  }
  return [{ name: 'bundled', leastSimilarity: 0.55, maxTokens: 512, embed }]
}
