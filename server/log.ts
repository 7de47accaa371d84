/** The log: JSON lines on stderr, so that stdout stays for the one line that says where we listen. */
import { destination, pino, type Logger } from 'pino'

export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type Level = (typeof LEVELS)[number]

/** A logger; what could carry a key is left out. */
export function createLog(level: Level): Logger {
  return pino(
    { level, base: null, redact: ['headers.authorization', 'authorization'] },
    destination({ fd: 2, sync: true }),
  )
}
