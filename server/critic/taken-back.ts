/** What is said to a message that takes back what was told, and tells nothing else: "forget my locker code". */
import { ordersToForget } from '../memory/facts/withdrawals.ts'
import type { TurnMemories } from '../memory/told.ts'
import type { Decision } from './policy.ts'

const EVERYTHING =
  /\b(?:everything|anything|all)\b(?! (?:about|of|on) (?:my|our) )|\bwhat(?:ever)? (?:i|we)(?:['’]ve)? (?:told|said)\b(?! (?:you )?(?:about|of|on) )/iu

/** Null: it takes nothing back, or tells something too. `orderOnly`: where what else the reply may say of it stands. */
export function takenBack(message: string, told: TurnMemories | null, orderOnly: boolean): Decision | null {
  if (told === null || told.isAway || told.written.length > 0) return null
  const isOrder = ordersToForget(message)
  if (!isOrder && (orderOnly || told.ended.length === 0)) return null
  const say = (text: string): Decision => ({ action: 'replace', text, facts: told.ended.map(({ id }) => id) })
  const texts = [...new Set(told.ended.map(({ text }) => `"${text}"`))]
  if (texts.length > 0) return say(`Okay, this does not hold any more: ${texts.join(' ')}`)
  if (EVERYTHING.test(message))
    return say('I take back one thing at a time, as in "forget my locker code"; all is erased by who runs this server.')
  return say('You have not told me that, so I have nothing to take back.')
}
