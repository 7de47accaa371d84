/** Facts that are deleted, and asked for afterwards. */
import { holdsValue } from '../../trainer/evaluate/keeper-score.ts'
import { drawCases } from '../../trainer/evaluate/memory/case.ts'
import { fillerOf } from '../../trainer/evaluate/memory/history.ts'
import { Random } from '../../trainer/random.ts'
import { MemoryHistory, type ByMeaning } from './memory-history.ts'

export interface DeletedTries {
  readonly tries: number
  readonly answeredBefore: number
  readonly answered: number
  readonly read: number
}

/** Of one user: so many are told and deleted before another user begins. */
const CASES = 40
/** Turns of other talk, after which all are asked for again. */
const OTHER_TURNS = 30

/** Each question is asked at once, and after other turns: that is two tries. */
export async function triesOfDeleted(tries: number, seed: number, meaning: ByMeaning | null): Promise<DeletedTries> {
  const counts = { tries: 0, answeredBefore: 0, answered: 0, read: 0 }
  for (let user = 0; counts.tries < tries; user++) {
    const random = new Random(`deleted ${seed} ${user}`)
    const history = new MemoryHistory(meaning)
    const cases = drawCases(random, ['deleted'], Math.min(CASES, Math.ceil((tries - counts.tries) / 2)), 'train')
    const ask = async ({ asks, stale }: (typeof cases)[number]): Promise<void> => {
      const { text, found, read } = await history.ask(asks)
      const holds = (one: string): boolean => stale.some((value) => holdsValue(one.toLowerCase(), value.toLowerCase()))
      counts.tries++
      if (holds(text)) counts.answered++
      if ([...found, ...read].some(holds)) counts.read++
    }
    for (const one of cases) {
      const { written } = await history.say(one.tells[0]!)
      const before = await history.ask(one.asks)
      if (one.stale.some((value) => holdsValue(before.text.toLowerCase(), value.toLowerCase()))) counts.answeredBefore++
      await history.remove(written)
      await ask(one)
    }
    for (let i = 0; i < OTHER_TURNS; i++) await history.say(fillerOf(random, 'train'))
    for (const one of cases) await ask(one)
    await history.close()
  }
  return counts
}
