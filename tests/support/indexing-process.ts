/** A store that takes memories and indexes their vectors until it is killed: what it says was acknowledged. Arguments: folder, number of the first. */
import { startStore } from '../../server/store/start.ts'
import { plainMemory, vectorSource } from './many-memories.ts'
import { removeMemories } from './erasing.ts'

export const INDEXED = { owner: 'tenant-a', width: 48, threshold: 200 } as const

const [folder, first] = process.argv.slice(2)
if (folder !== undefined) {
  const { owner, width, threshold } = INDEXED
  const settings = { keepStates: 8, replayTokens: 2048, stateBytes: Infinity, prefixBytes: 0 }
  const store = startStore({ folder, ...settings, vectorIndex: { threshold, pauseMs: 1 } })
  await store.ready
  const place = { namespace: 'default', user: null, topics: [], ended: false, metadata: {}, text: '', limit: 1 }
  for (let at = Number(first); ; at += 50) {
    const next = vectorSource(width, at)
    const some = Array.from({ length: 50 }, (_, i) => ({ id: `m${at + i}`, made: next() }))
    await Promise.all(some.map(({ id, made }) => store.addMemory(owner, plainMemory(id, id), made)))
    // Every batch but the first of a run takes one away: an index in the making has to begin again.
    if (at % 500 === 450) await removeMemories(store, owner, `m${at}`)
    await store.searchMemories(owner, { ...place, made: some[0]!.made })
    const { vectorIndex } = await store.statistics()
    process.stdout.write(`${at} ${vectorIndex.building} ${vectorIndex.indexes}\n`)
  }
}
