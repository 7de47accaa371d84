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
const DENIAL = /(?:haven't|have not|never|not) (?:told|mentioned|said|shared)|(?:don't|do not) know|not sure/iu
const parts = (process.argv[2] ?? 'A,B').split(',')
const show = (process.argv[3] ?? 'A,B,C').split(',')
const embedder = await openEmbedder(await loadBundle(DEFAULT_EMBEDDER))
const vectorOf = async (text: string) => ({
  embedder: 'bundled',
  vector: (await embedder.embed([embedder.encode(text)]))[0]!,
})
const folder = mkdtempSync(join(tmpdir(), 'mneme-words-'))
const store = startStore({ folder, keepStates: 8, replayTokens: 2048, stateBytes: Infinity, prefixBytes: 0 })
let turns = 0
const results = new Map<string, boolean[]>()
const misses: string[] = []
const cases = [...toldCases(), ...peopleCases(), ...othersCases()].filter(({ part }) => parts.includes(part))
const ONE = process.env['ONE'] !== undefined
const began = performance.now()
let recallMs = 0,
  asks = 0
for (const phase of ONE ? ['tell', 'ask'] : ['both'])
  for (const [at, { kind, part, tells, asks: q, value, old }] of cases.entries()) {
    if (ONE && kind === 'corrected') continue
    if (ONE && kind === 'small talk') continue
    const note = (name: string, ok: boolean, shown: unknown) => {
      const key = `${name}\t${part}`
      results.set(key, [...(results.get(key) ?? []), ok])
      if (!ok && show.includes(part)) misses.push(`${part} ${name}: ${JSON.stringify(shown)}`)
    }
    const PLACE = { namespace: 'default', user: ONE ? `user-${part}` : `user-${at}` }
    const USE = { ...PLACE, read: true, write: true, pin: false } as any
    const say = async (message: string, conversation: string) => {
      const { told, written } = await memoriesOfTurn({ store, now: Date.now }, 'bench', USE, message, {
        response: `turn-${turns++}`,
        conversation,
      })
      await store.tellMemories('bench', told)
      for (const { id, text } of written) await store.embedMemory('bench', id, text, await vectorOf(text))
      if (kind !== 'corrected')
        for (const t of told)
          if (t.ends.length) {
            note('NOT ENDED', false, { m: message, tells })
          }
      return written
    }
    if (phase !== 'ask')
      for (const [c, messages] of tells.entries())
        for (const m of messages) {
          await say(m, `c-${at}-${c}`)
          await new Promise((r) => setTimeout(r, 2))
        }
    if (phase === 'tell') continue
    const made = await vectorOf(q)
    const asked = askedBy(q)
    const found = await store.searchMemories('bench', {
      ...PLACE,
      topics: asked,
      ended: false,
      metadata: {},
      text: q,
      made,
      limit: 16,
    })
    const kept = await store.factsOf('bench', { ...PLACE, topics: null, ended: true, limit: 1000 })
    const all = [...new Map([...found.map(({ memory }) => memory), ...kept].map((one) => [one.id, one])).values()]
    const facts = all
      .toSorted((a, b) => a.created - b.created)
      .flatMap(({ id, text, fact, ended }) => (fact ? [{ ...fact, id, text, holds: ended === null }] : []))
    const t0 = performance.now()
    const rem = { asked, found, facts, heard: [] }
    const rec = recollect(q, rem)
    const later =
      rec &&
      (await withLater(rec, async (id: string) =>
        (await store.findMemory('bench', id))
          ? {
              own: await store.findMemory('bench', id),
              before: await store.listMemories('bench', { ...PLACE, limit: 4, order: 'desc', after: id }),
              after: await store.listMemories('bench', { ...PLACE, limit: 4, order: 'asc', after: id }),
            }
          : { own: null, before: [], after: [] },
      ))
    const decision = later && recalled(q, later, 'I see.', [], rem, false)
    recallMs += performance.now() - t0
    asks++
    const text = decision?.action === 'replace' ? decision.text : 'I see.'
    const shown = {
      tells: tells.flat(),
      q,
      text,
      asked,
      facts: facts.map((f) => `${f.subject}/${f.attribute}=${f.value}${f.holds ? '' : ' GONE'}`),
      found: found.length,
    }
    const names = (t: string, v: string) =>
      t.normalize('NFKC').toLowerCase().includes(v.normalize('NFKC').toLowerCase())
    if (kind === 'small talk') {
      const w = await say(q, `ask-${at}`)
      note('small: answered', !/told me/.test(text), shown)
      note('small: not kept', w.length === 0, shown)
    } else if (value === null) {
      note(kind, DENIAL.test(text), shown)
      note('never: plainly denied', DENIAL.test(text) && !/comes nearest/.test(text), {
        ...shown,
        rec: rec && rec.answers.map((a) => a.sure),
      })
    } else if (old === null) {
      note(kind, names(text, value), { ...shown, value })
      note('told: plain', text.startsWith('You told me') && names(text, value), {
        ...shown,
        value,
        rec: rec && rec.answers.map((a) => a.sure),
      })
    } else note('corrected', names(text, value) && !names(text, old), { ...shown, value })
  }
await store.close()
rmSync(folder, { recursive: true })
for (const m of misses) console.log(m)
for (const [key, v] of results)
  console.log(key, v.filter(Boolean).length, '/', v.length, ((100 * v.filter(Boolean).length) / v.length).toFixed(1))
console.log(((performance.now() - began) / 1000).toFixed(1), 's; recall ms per ask', (recallMs / asks).toFixed(2))
