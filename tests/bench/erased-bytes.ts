/**
 * Deletes memories, responses and conversations of a store one after the other, each with a word that nothing else has, and looks for
 * that word in the data folder; prints where it still is. SQLite's secure_delete zeroes a deleted cell, but not the copies that
 * stayed in a page's unallocated bytes when its cells moved to another page.
 *   npx tsx tests/bench/erased-bytes.ts [TURNS=2500]
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EraseTarget } from '../../server/store/erase-calls.ts'
import { startStore } from '../../server/store/start.ts'
import { generator, plainMemory } from '../support/many-memories.ts'
import { OWNER, stateOf, turnRecord } from '../support/turns.ts'

const turns = Number(process.argv[2] ?? 2500)
const folder = mkdtempSync(join(tmpdir(), 'mneme-bytes-'))
const settings = { keepStates: 2, replayTokens: 2048, stateBytes: Infinity, prefixBytes: 0, memoryEntries: 4 }
const store = startStore({ folder, ...settings })
const random = generator(1)
const live: number[] = []
let [deletions, left] = [0, 0]

const targetOf = (number: number): EraseTarget => {
  if (deletions % 3 === 0) return { kind: 'response', id: `resp_${number}` }
  return deletions % 3 === 1 ? { kind: 'memory', id: `mem_${number}` } : { kind: 'conversation', id: `resp_${number}` }
}

for (let number = 0; number < turns; number++) {
  const [id, text] = [`resp_${number}`, `My locker${number} code is secret${number}x.`]
  const source = { response: id, conversation: id, start: 0, end: text.length }
  const memory = { ...plainMemory(`mem_${number}`, text), source }
  const place = { namespace: 'default', user: null }
  const said = `${text} The wind was howling around the house.`
  await store.put(turnRecord(id, { document: said.padEnd(700 + ((number * 37) % 900), 'y') }), stateOf(id), {
    told: [{ ...place, ends: [], memory }],
    episode: { ...place, text: said, made: null, importance: 0.5, pinned: false, created: number },
  })
  if (number % 2 === 1) live.push(number)
  if (number < 20 || number % 3 > 0) continue
  const [chosen] = live.splice(Math.floor(random() * live.length), 1)
  await store.erase(OWNER, targetOf(chosen!), { source: true, cascade: true, force: true })
  deletions++
  for (const file of readdirSync(folder)) {
    const at = readFileSync(join(folder, file)).toString('latin1').toLowerCase().indexOf(`secret${chosen}x`)
    if (at < 0) continue
    left++
    console.log(`deletion ${deletions}: secret${chosen}x is at byte ${at} of ${file}`)
  }
}
console.log(JSON.stringify({ turns, deletions, left }))
await store.close()
rmSync(folder, { recursive: true })
if (left > 0) process.exitCode = 1
