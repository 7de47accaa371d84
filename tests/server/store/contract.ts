/** What any store has to do: the same tests for each. */
import * as fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { PAGE_POSITIONS, type SessionState } from '../../../server/checkpoint.ts'
import type { Store, StoreCalls, TurnRecord } from '../../../server/store/store.ts'
import { removeTurn } from '../../support/erasing.ts'
import { childOf, OWNER, pagedState, stateOf, turnRecord } from '../../support/turns.ts'

export interface StoreSettings {
  readonly keepStates: number
  readonly replayTokens: number
  readonly stateBytes: number
}

/** Opens a new, empty store. */
export type OpenStore = (settings: StoreSettings) => Promise<Pick<Store, keyof StoreCalls | 'close'>>

export function storeContract(name: string, openStore: OpenStore): void {
  const open = async (settings: Partial<StoreSettings> = {}) => {
    const store = await openStore({ keepStates: 3, replayTokens: 2048, stateBytes: Infinity, ...settings })
    onTestFinished(() => store.close())
    return store
  }
  type Opened = Awaited<ReturnType<OpenStore>>

  /** A branch of `count` turns: t0, t1... */
  const branch = async (store: Opened, count: number, tokens = 3): Promise<TurnRecord[]> => {
    const turns = [turnRecord('t0', { position: tokens })]
    for (let i = 1; i < count; i++) turns.push(childOf(turns[i - 1] as TurnRecord, `t${i}`, tokens))
    for (const turn of turns) await store.put(turn, stateOf(turn.id))
    return turns
  }
  const kept = async (store: Opened, turns: readonly TurnRecord[]): Promise<string[]> => {
    const found = await Promise.all(turns.map(async ({ id, owner }) => (await store.find(owner, id))?.kept))
    return turns.filter((_, i) => found[i]).map(({ id }) => id)
  }

  describe(`the contract of a store: ${name}`, () => {
    test('it gives back what was put, to its owner only', async () => {
      const store = await open()
      const turn = turnRecord('a', {
        document: '{"text":"Zürich 😀"}',
        generated: [],
        pending: [],
        calls: [2, 1],
        gates: { exit: 3 },
      })
      await store.put(turn, stateOf('a'))
      expect(await store.find(OWNER, 'a')).toMatchObject({ record: turn, kept: true, continued: false })
      expect(await store.load('a')).toEqual(stateOf('a'))
      for (const [owner, id] of [
        ['another', 'a'],
        [OWNER, 'b'],
        [OWNER, 'A'],
        ['', 'a'],
      ] as const)
        expect(await store.find(owner, id)).toBeNull()
      expect(await store.load('b')).toBeNull()
    })

    test('it says whether a turn has been continued', async () => {
      const store = await open()
      await branch(store, 2)
      expect((await store.find(OWNER, 't0'))?.continued).toBe(true)
      expect((await store.find(OWNER, 't1'))?.continued).toBe(false)
    })

    test('leaves and the states used last are kept, whatever the shape of the session', async () => {
      const keepStates = 2
      const store = await open({ keepStates, replayTokens: 1_000_000 })
      let sessions = 0
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.nat(), { minLength: 1, maxLength: 40 }),
          fc.array(fc.nat(), { maxLength: 10 }),
          async (parents, uses) => {
            const session = `s${++sessions}-`
            const turns = [turnRecord(`${session}0`)]
            const used = [`${session}0`]
            await store.put(turns[0] as TurnRecord, stateOf(`${session}0`))
            const use = async (id: string): Promise<void> => {
              if ((await store.load(id)) === null) return
              await store.release(id)
              used.splice(0, used.length, ...used.filter((other) => other !== id), id)
            }
            for (const [i, parent] of parents.entries()) {
              const at = uses[i]
              if (at !== undefined) await use((turns[at % turns.length] as TurnRecord).id)
              const turn = childOf(turns[parent % turns.length] as TurnRecord, `${session}${i + 1}`)
              turns.push(turn)
              used.push(turn.id)
              await store.put(turn, stateOf(turn.id))
            }
            const leaves = turns.filter(({ id }) => !turns.some(({ parent }) => parent === id)).map(({ id }) => id)
            const present = await kept(store, turns)
            expect(present).toEqual(expect.arrayContaining(leaves))
            const inner = used.filter((id) => !leaves.includes(id)).slice(-keepStates)
            expect(present.toSorted()).toEqual([...leaves, ...inner].toSorted())
          },
        ),
        { numRuns: 15 },
      )
    })

    test('a state that is forked again and again is kept, however many turns are put in between', async () => {
      const store = await open({ keepStates: 2 })
      const turns = await branch(store, 4)
      for (let i = 0; i < 6; i++) {
        if ((await store.load('t1')) === null) await store.restore('t1', stateOf('t1'), 'followed')
        else await store.release('t1')
        const fork = childOf(turns[1] as TurnRecord, `fork${i}`)
        await store.put(fork, stateOf(fork.id))
        await store.put(childOf(fork, `more${i}`), stateOf('more'))
      }
      expect(await kept(store, [turns[1] as TurnRecord])).toEqual(['t1'])
    })

    test('no replay is longer than the limit and the turn itself, in tokens', async () => {
      const store = await open({ keepStates: 1, replayTokens: 100 })
      let sessions = 0
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 40 }),
          async (lengths) => {
            const session = `s${++sessions}-`
            const turns: TurnRecord[] = []
            for (const [i, tokens] of lengths.entries()) {
              const before = turns.at(-1)
              const turn = before ? childOf(before, session + i, tokens) : turnRecord(session, { position: tokens })
              turns.push(turn)
              await store.put(turn, stateOf(turn.id))
            }
            for (const [i, turn] of turns.entries()) {
              const lineage = await store.lineage(turn.id)
              const replayed = turn.position - (lineage?.from?.position ?? 0)
              expect(replayed).toBeLessThanOrEqual(100 + (lengths[i] as number))
            }
          },
        ),
        { numRuns: 15 },
      )
    })

    test('a lineage begins at the nearest kept state, and lists the turns after it in order', async () => {
      const store = await open({ keepStates: 1, replayTokens: 10 })
      const turns = await branch(store, 12)
      const present = await kept(store, turns)
      const lineage = await store.lineage('t6')
      const from = present.filter((id) => Number(id.slice(1)) < 6).at(-1) as string
      expect(lineage?.from?.state).toEqual(stateOf(from))
      const after = turns.slice(Number(from.slice(1)) + 1, 7)
      expect(lineage?.turns).toEqual(after)
      expect(await store.lineage('unknown')).toBeNull()
    })

    test('a turn that starts afresh is rebuilt from its own tokens, and the history goes on through it', async () => {
      const store = await open({ keepStates: 1 })
      const before = await branch(store, 3)
      const afresh = turnRecord('afresh', { parent: 't2', root: 't0', depth: 3 })
      await store.put(afresh, stateOf('afresh'))
      const after = [childOf(afresh, 'u0')]
      for (let i = 1; i < 4; i++) after.push(childOf(after[i - 1] as TurnRecord, `u${i}`))
      for (const turn of after) await store.put(turn, stateOf(turn.id))
      expect(await kept(store, [afresh, ...after])).not.toContain('afresh')
      expect(await store.lineage('u0')).toMatchObject({ from: null, turns: [afresh, after[0]] })
      expect(await store.history('u1')).toEqual([...before, afresh, after[0], after[1]])
      // What is before it is not needed to rebuild it, and its state is not kept for good when that is deleted.
      expect(await removeTurn(store, OWNER, 't2', false)).toBe('removed')
      expect(await store.lineage('afresh')).toMatchObject({ from: null, turns: [afresh] })
      expect(await store.history('u1')).toEqual([afresh, after[0], after[1]])
      expect(await store.history('unknown')).toEqual([])
    })

    test('a rebuilt state is compared with the one that was pruned', async () => {
      const store = await open({ keepStates: 1 })
      await branch(store, 5)
      expect(await store.load('t1')).toBeNull()
      expect(await store.restore('t1', stateOf('t1'), 'followed')).toBe('identical')
      expect(await store.restore('t2', stateOf('another machine'), 'followed')).toBe('different')
      const late = turnRecord('late')
      await store.put(late, null)
      expect(await store.load('late')).toBeNull()
      expect(await store.restore('late', stateOf('late'), 'followed')).toBe('unknown')
      expect(await store.load('late')).toEqual(stateOf('late'))
    })

    test('a state that follows its turn brings the calls that made it', async () => {
      const store = await open()
      const turn = turnRecord('ahead', { prefillCalls: null })
      await store.put(turn, null)
      const calls = [16, 2, 5, 1]
      await store.restore('ahead', stateOf('ahead'), 'followed', calls)
      expect(await store.find(OWNER, 'ahead')).toMatchObject({ record: { ...turn, prefillCalls: calls }, kept: true })
      expect(await store.lineage('ahead')).toMatchObject({ turns: [{ prefillCalls: calls }] })
      // Put back later, it is known already.
      await store.restore('ahead', stateOf('ahead'), 'followed', null)
      expect((await store.find(OWNER, 'ahead'))?.record.prefillCalls).toEqual(calls)
      expect(await store.restore('gone', stateOf('gone'), 'followed', calls)).toBe('unknown')
    })

    test('a response that others are rebuilt through is deleted only once they are, or by force', async () => {
      const store = await open({ keepStates: 1 })
      const turns = await branch(store, 5)
      expect(await removeTurn(store, OWNER, 't1', false)).toEqual(['t2'])
      await store.restore('t2', stateOf('t2'), 'pinned')
      expect(await removeTurn(store, 'another', 't1', true)).toBe('unknown')
      expect(await removeTurn(store, OWNER, 't1', false)).toBe('removed')
      expect(await removeTurn(store, OWNER, 't1', false)).toBe('unknown')
      expect(await store.find(OWNER, 't1')).toBeNull()
      expect((await store.lineage('t3'))?.from?.state).toEqual(stateOf('t2'))
      for (let i = 0; i < 10; i++) {
        const fork = childOf(turns[4] as TurnRecord, `u${i}`)
        await store.put(fork, stateOf(fork.id))
      }
      expect(await kept(store, [turns[2] as TurnRecord])).toEqual(['t2'])
      expect(await removeTurn(store, OWNER, 't2', true)).toBe('removed')
      expect(await store.lineage('t3')).toBeNull()
    })

    test('a turn whose last continuation is deleted is a leaf again', async () => {
      const store = await open({ keepStates: 1 })
      const turns = await branch(store, 3)
      expect(await removeTurn(store, OWNER, 't2', false)).toBe('removed')
      for (let i = 0; i < 5; i++) await store.put(childOf(turns[0] as TurnRecord, `u${i}`), stateOf('u'))
      expect(await kept(store, turns)).toContain('t1')
    })

    test('a state whose parent was never stored is never pruned', async () => {
      const store = await open({ keepStates: 1 })
      const first = turnRecord('a', { parent: 'not stored', depth: 3, position: 12 })
      await store.put(first, stateOf('a'))
      for (let i = 0; i < 5; i++) await store.put(childOf(first, `b${i}`), stateOf('b'))
      expect(await kept(store, [first])).toEqual(['a'])
    })

    test('pages are stored once, however many forks share them, and go with the last state that needs them', async () => {
      const store = await open({ keepStates: 1 })
      const tokens = 10 * PAGE_POSITIONS + 5
      const root = turnRecord('root', { position: tokens })
      await store.put(root, pagedState([root]))
      const one = await store.statistics()
      expect(one.stateBytes).toBe(64 + 4 * tokens)
      const forks = Array.from({ length: 10 }, (_, i) => childOf(root, `fork${i}`, PAGE_POSITIONS))
      for (const fork of forks) {
        await store.load('root')
        await store.put(fork, pagedState([root, fork], 10))
        await store.release('root')
      }
      const { stateBytes } = await store.statistics()
      // Each fork: its fixed part, the page that it filled, and its tail.
      expect(stateBytes - one.stateBytes).toBe(10 * (64 + 4 * (PAGE_POSITIONS + 5)))
      for (const fork of forks) expect(await store.load(fork.id)).toEqual(pagedState([root, fork]))
      for (const fork of forks) expect(await removeTurn(store, OWNER, fork.id, true)).toBe('removed')
      expect(await store.load('root')).toEqual(pagedState([root]))
      expect(await removeTurn(store, OWNER, 'root', true)).toBe('removed')
      expect(await store.statistics()).toMatchObject({ responses: 0, sessions: 0, states: 0, stateBytes: 0 })
    })

    test('a turn is stored without its state where the pages before it are not kept, and can be rebuilt', async () => {
      const store = await open()
      const root = turnRecord('root', { position: 3 * PAGE_POSITIONS })
      // Its state was to follow, and could not be written.
      await store.put(root, null)
      const child = childOf(root, 'child', PAGE_POSITIONS)
      expect(await store.put(child, pagedState([root, child], 3))).toBe(false)
      expect(await store.find(OWNER, 'child')).toMatchObject({ record: child, kept: false })
      expect(await store.lineage('child')).toMatchObject({ from: null, turns: [root, child] })
      expect(await store.restore('child', pagedState([root, child]), 'followed')).toBe('unknown')
      expect(await store.load('child')).toEqual(pagedState([root, child]))
    })

    test('a rebuilt state that a turn goes on from is held like one that was loaded', async () => {
      const store = await open({ keepStates: 1, replayTokens: 1_000_000 })
      const root = turnRecord('root', { position: 2 * PAGE_POSITIONS })
      await store.put(root, null)
      await store.restore('root', pagedState([root]), 'continued')
      for (let i = 0; i < 4; i++) {
        const fork = childOf(root, `fork${i}`)
        await store.put(fork, stateOf(fork.id))
        await store.put(childOf(fork, `more${i}`), stateOf('more'))
      }
      const late = childOf(root, 'late', PAGE_POSITIONS)
      expect(await store.put(late, pagedState([root, late], 2))).toBe(true)
      await store.release('root')
      await store.put(childOf(late, 'later'), stateOf('later'))
      await store.put(childOf(late, 'latest'), stateOf('latest'))
      expect(await kept(store, [root])).toEqual([])
    })

    test('pages of one owner are never another’s, even if they hold the same bytes', async () => {
      const store = await open()
      const mine = turnRecord('mine', { position: 200 })
      const same = pagedState([mine])
      await store.put(mine, structuredClone(same))
      const alone = (await store.statistics()).stateBytes
      await store.put(turnRecord('theirs', { position: 200, owner: 'another' }), structuredClone(same))
      expect((await store.statistics()).stateBytes).toBe(2 * alone)
    })

    test('over its budget inner states go first, then those that bound replays, and where branches go on last', async () => {
      const store = await open({ keepStates: 10, replayTokens: 8, stateBytes: 5 * 64 })
      // Of 3 tokens each: every third state of a branch is one that bounds replays.
      const first = await branch(store, 5)
      expect(await kept(store, first)).toEqual(['t0', 't1', 't2', 't3', 't4'])
      const other = [turnRecord('u0')]
      for (let i = 1; i < 4; i++) other.push(childOf(other[i - 1] as TurnRecord, `u${i}`))
      const states = async (): Promise<string[]> => kept(store, [...first, ...other])
      const put = async (at: number): Promise<string[]> => {
        await store.put(other[at] as TurnRecord, stateOf(`u${at}`))
        expect((await store.statistics()).stateBytes).toBeLessThanOrEqual(5 * 64)
        return states()
      }
      expect(await put(0)).toEqual(['t1', 't2', 't3', 't4', 'u0'])
      expect(await put(1)).toEqual(['t2', 't3', 't4', 'u0', 'u1'])
      expect(await put(2)).toEqual(['t2', 't4', 'u0', 'u1', 'u2'])
      expect(await put(3)).toEqual(['t2', 't4', 'u1', 'u2', 'u3'])
      expect(await store.statistics()).toMatchObject({ responses: 9, states: 5, evictions: 4 })
      // What went is rebuilt from the log.
      expect((await store.lineage('t3'))?.turns.map(({ id }) => id)).toEqual(['t3'])
      const leaves: string[] = []
      for (let i = 0; i < 6; i++) {
        leaves.push(`leaf${i}`)
        await store.put(turnRecord(`leaf${i}`), stateOf(`leaf${i}`))
      }
      expect(await states()).toEqual([])
      expect(
        await kept(
          store,
          leaves.map((id) => turnRecord(id)),
        ),
      ).toEqual(leaves.slice(1))
    })

    test('over its budget the owner who holds most gives way, and nobody loses what a turn goes on from', async () => {
      const store = await open({ keepStates: 10, replayTokens: 1_000_000, stateBytes: 4 * 64 })
      const mine = await branch(store, 3)
      await store.load('t0')
      const theirs = [0, 1].map((i) => turnRecord(`theirs${i}`, { owner: 'another' }))
      for (const turn of theirs) await store.put(turn, stateOf(turn.id))
      expect(await kept(store, [...mine, ...theirs])).toEqual(['t0', 't2', 'theirs0', 'theirs1'])
      const more = turnRecord('theirs2', { owner: 'another' })
      await store.put(more, stateOf(more.id))
      expect(await kept(store, [...mine, ...theirs, more])).toEqual(['t0', 't2', 'theirs1', 'theirs2'])
      await store.release('t0')
      const third = turnRecord('third', { owner: 'a third' })
      await store.put(third, stateOf('third'))
      expect((await kept(store, [...mine, ...theirs, more])).length).toBe(3)
      expect(await kept(store, [third])).toEqual(['third'])
    })

    test('one state that is larger than the budget is kept until the next one comes', async () => {
      const store = await open({ stateBytes: 10 })
      await store.put(turnRecord('a'), stateOf('a'))
      expect(await store.load('a')).toEqual(stateOf('a'))
      await store.release('a')
      await store.put(turnRecord('b'), stateOf('b'))
      expect(await kept(store, [turnRecord('a'), turnRecord('b')])).toEqual(['b'])
    })

    test.each([
      ['forks', Infinity],
      ['forks, evictions', 2500],
    ])(
      'over any tree of turns, %s, prunings and deletions every kept state is what was put, and nothing leaks',
      async (_, stateBytes) => {
        const store = await open({ keepStates: 2, replayTokens: 300, stateBytes })
        let runs = 0
        const step = fc.record({ at: fc.nat(), tokens: fc.integer({ min: 1, max: 200 }), remove: fc.boolean() })
        await fc.assert(
          fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
            const run = ++runs
            const paths = new Map<string, TurnRecord[]>()
            for (const [i, { at, tokens, remove }] of steps.entries()) {
              const ids = [...paths.keys()]
              const id = ids[at % Math.max(1, ids.length)]
              const path = id === undefined ? undefined : paths.get(id)
              if (remove && id !== undefined) {
                if ((await removeTurn(store, OWNER, id, false)) === 'removed') paths.delete(id)
                continue
              }
              const base = path?.at(-1)
              const state = base ? await store.load(base.id) : null
              const turn =
                base && state ? childOf(base, `${run}-${i}`, tokens) : turnRecord(`${run}-${i}`, { position: tokens })
              const whole = base && state ? [...(path as TurnRecord[]), turn] : [turn]
              const firstPage = base && state ? Math.floor(base.position / PAGE_POSITIONS) : 0
              await store.put(turn, pagedState(whole, firstPage))
              if (base && state) await store.release(base.id)
              paths.set(turn.id, whole)
            }
            for (const [id, path] of paths) {
              const state: SessionState | null = await store.load(id)
              if (state) expect(state).toEqual(pagedState(path))
            }
            expect((await store.statistics()).responses).toBe(paths.size)
            for (const id of paths.keys()) await removeTurn(store, OWNER, id, true)
            expect(await store.statistics()).toMatchObject({ responses: 0, sessions: 0, states: 0, stateBytes: 0 })
          }),
          { numRuns: 20 },
        )
      },
    )

    test('statistics count turns, sessions, states and their bytes', async () => {
      const store = await open({ keepStates: 1, replayTokens: 1_000_000 })
      await branch(store, 4)
      await store.put(turnRecord('other'), stateOf('other'))
      expect(await store.statistics()).toMatchObject({ responses: 5, sessions: 2, states: 3, stateBytes: 3 * 64 })
      expect(await removeTurn(store, OWNER, 'other', false)).toBe('removed')
      expect(await store.statistics()).toMatchObject({ responses: 4, sessions: 1, states: 2, stateBytes: 2 * 64 })
    })
  })
}
