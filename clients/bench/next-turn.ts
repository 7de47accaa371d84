/** What the next turn of a conversation costs: continued, sent again, after the server or the model was gone. */
import type { Contender } from './contender.ts'
import { REPLY_TOKENS } from './conversation.ts'
import { openSession, type Session } from './session.ts'
import type { NextTurn } from './situations.ts'

export interface NextTurnOptions {
  /** Tokens of the first message. */
  readonly lengths: readonly number[]
  /** Turns of each kind that needs no restart. */
  readonly rounds: number
  /** Restarts of each kind; a server that has lost the conversation reads all of it again after each. */
  readonly restarts: number
}

/** The tokens of the longest conversation, its turns included. */
export function mostTokens({ lengths, rounds, restarts }: NextTurnOptions): number {
  const turns = 2 * rounds + 4 * restarts + 4
  return Math.ceil(1.02 * Math.max(...lengths)) + 64 + turns * (REPLY_TOKENS + 32)
}

/** Measures all lengths, contenders in turns where they need no restart. `say` gets a line about what is measured. */
export async function measureNextTurns(
  contenders: readonly Contender[],
  options: NextTurnOptions,
  say: (line: string) => void,
): Promise<NextTurn[]> {
  const turns: NextTurn[] = []
  for (const length of options.lengths) {
    const sessions: Session[] = []
    try {
      for (const contender of contenders)
        sessions.push(await openSession(contender, length, (turn) => turns.push(turn)))
      for (let round = 0; round < options.rounds; round++) for (const session of sessions) await session.go(say)
      for (const session of sessions) await session.afterRestarts(options.restarts, say)
    } finally {
      for (const { server } of contenders) await server?.stop('SIGTERM')
    }
  }
  return turns
}
