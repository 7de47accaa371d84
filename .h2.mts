import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadBundle } from '/work/wt-int/runtime/bundle.ts'
import { openEmbedder } from '/work/wt-int/runtime/embedder.ts'
import { DEFAULT_EMBEDDER } from '/work/wt-int/server/cli.ts'
import { recalled, recollect } from '/work/wt-int/server/critic/recalled.ts'
import { withLater } from '/work/wt-int/server/critic/later.ts'
import { askedBy } from '/work/wt-int/server/memory/facts/asked-by.ts'
import { memoriesOfTurn } from '/work/wt-int/server/memory/told.ts'
import { startStore } from '/work/wt-int/server/store/start.ts'
import { peopleCases, toldCases, othersCases } from '/work/wt-int/tests/support/newcomer-cases.ts'
import { verifyReply } from '/work/wt-int/server/critic/verify-reply.ts'
import { findEvidence } from '/work/wt-int/server/memory/evidence.ts'
const DENIAL = /(?:haven't|have not|never|not) (?:told|mentioned|said|shared)|(?:don't|do not) know|not sure/iu
const parts = (process.argv[2] ?? 'A,B').split(',')
const show = (process.argv[3] ?? 'A,B,C').split(',')
const embedder = await openEmbedder(await loadBundle(DEFAULT_EMBEDDER))
const vectorOf = async (text: string) => ({ embedder: 'bundled', vector: (await embedder.embed([embedder.encode(text)]))[0]! })
const cache = new Map<string, Float32Array>()
const compareTexts = async (texts: readonly string[]) => {
  for (const t of texts) if (!cache.has(t)) cache.set(t, (await embedder.embed([embedder.encode(t)]))[0]!)
  return (a: string, b: string) => { const [x, y] = [cache.get(a)!, cache.get(b)!]; let s = 0; for (let i = 0; i < x.length; i++) s += x[i]! * y[i]!; return Math.max(0, s) / 0.6 }
}
const folder = mkdtempSync(join(tmpdir(), 'mneme-words-'))
const store = startStore({ folder, keepStates: 8, replayTokens: 2048, stateBytes: Infinity, prefixBytes: 0 })
let turns = 0
const results = new Map<string, boolean[]>()
const misses: string[] = []
const kinds = process.argv[4]?.split(',')
const cases = [...toldCases(), ...peopleCases(), ...othersCases()].filter(({ part, kind }) => parts.includes(part) && (!kinds || kinds.includes(kind)))
const began = performance.now()
let recallMs = 0, asks = 0
for (const [at, { kind, part, tells, asks: q, value, old }] of cases.entries()) {
  const note = (name: string, ok: boolean, shown: unknown) => {
    const key = `${name}\t${part}`
    results.set(key, [...(results.get(key) ?? []), ok])
    if (!ok && show.includes(part)) misses.push(`${part} ${name}: ${JSON.stringify(shown)}`)
  }
  const PLACE = { namespace: 'default', user: `user-${at}` }
  const USE = { ...PLACE, read: true, write: true, pin: false } as any
  const say = async (message: string, conversation: string) => {
    const { told, written } = await memoriesOfTurn({ store, now: Date.now }, 'bench', USE, message, { response: `turn-${turns++}`, conversation })
    await store.tellMemories('bench', told)
    for (const { id, text } of written) await store.embedMemory('bench', id, text, await vectorOf(text))
    if (kind !== 'corrected') for (const t of told) if (t.ends.length) { note('NOT ENDED', false, { m: message, tells }) }
    return written
  }
  for (const [c, messages] of tells.entries()) for (const m of messages) { await say(m, `c-${at}-${c}`); await new Promise((r) => setTimeout(r, 2)) }
  const t0 = performance.now()
  const made = await vectorOf(q)
  const metric = { observe: () => undefined, inc: () => undefined }
  const deps = { gating: { controller: null, thresholds: {} }, metrics: { memorySearch: metric, verification: metric, verdicts: metric }, critic: null, now: Date.now, store, log: console, embedders: [{ name: 'bundled', leastSimilarity: 0.6, maxTokens: 512, embed: async (texts: string[]) => ({ vectors: await Promise.all(texts.map(async (t) => { if (!cache.has(t)) cache.set(t, (await embedder.embed([embedder.encode(t)]))[0]!); return cache.get(t)! })) }) }] } as any
  const evidence = (await findEvidence(deps, { owner: 'bench', use: USE, message: q, made } as any, () => false, AbortSignal.timeout(60000)))!
  const { decision } = await verifyReply(deps, 'bench', USE, { question: q, reply: 'I see.', evidence, told: null, heard: [], isWhole: true, knowsOnlyTold: true }, 'quote')
  recallMs += performance.now() - t0; asks++
  const text = decision.action === 'replace' ? decision.text : 'I see.'
  const asked = evidence.asked; const found = evidence.found
  const facts = (await store.factsOf('bench', { ...PLACE, topics: null, ended: true, limit: 1000 })).map(({ fact, ended }: any) => ({ ...fact, holds: ended === null }))
  const shown = { tells: tells.flat(), q, text: text.replace('You have not told me that in so many words. What comes nearest:', 'NEAR').replace('You told me:','TOLD'), asked, facts: facts.map((f) => `${f.subject}/${f.attribute}=${f.value}${f.holds ? '' : ' GONE'}`), found: found.length }
  const saysOld = (t: string, v: string) => { const [a, b] = [t.normalize('NFKC').toLowerCase(), v.normalize('NFKC').toLowerCase()]; for (let i = a.indexOf(b); i >= 0; i = a.indexOf(b, i + 1)) if (!/[\p{L}\p{N}]/u.test(a[i - 1] ?? ' ') && !/[\p{L}\p{N}]/u.test(a[i + b.length] ?? ' ')) return true; return false }
  const names = (t: string, v: string) => t.normalize('NFKC').toLowerCase().includes(v.normalize('NFKC').toLowerCase())
  if (kind === 'small talk') { const w = await say(q, `ask-${at}`); note('small: answered', !/told me/.test(text), shown); note('small: not kept', w.length === 0, shown) }
  else if (value === null) { note(kind, DENIAL.test(text), shown); note('never: hedged', /comes nearest/.test(text), 0) }
  else if (old === null) { note(kind, names(text, value), { ...shown, value }); note('plain', text.startsWith('You told me') && names(text,value), 0) }
  else { note('corrected: new', names(text, value), 0); { const k = names(text, value) ? (saysOld(text, old) ? 'both' : 'ok') : /You have not told me (?!that in so)/.test(text) ? 'denied' : text === 'I see.' ? 'none' : names(text, old) ? (/nearest/.test(text) ? 'old near' : 'old') : 'other'; (globalThis as any).K ??= {}; const kk = part + ' ' + k; (globalThis as any).K[kk] = ((globalThis as any).K[kk] ?? 0) + 1 } note('corrected', names(text, value) && !saysOld(text, old), { ...shown, value, old }) }
}
console.log(JSON.stringify((globalThis as any).K)); await store.close(); rmSync(folder, { recursive: true })
for (const m of misses) if (!m.includes(': 0')||m.length>40) console.log(m)
for (const [key, v] of results) console.log(key, v.filter(Boolean).length, '/', v.length, (100 * v.filter(Boolean).length / v.length).toFixed(1))
console.log(((performance.now() - began) / 1000).toFixed(1), 's; recall ms per ask', (recallMs / asks).toFixed(2))
