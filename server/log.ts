/** The log: JSON lines on stderr, so that stdout stays for the one line that says where we listen. */
import { writeSync } from 'node:fs'
import { pino, type Logger } from 'pino'

export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type Level = (typeof LEVELS)[number]

/** A logger; what could carry a key is left out. */
export function createLog(level: Level): Logger {
  return pino({ level, base: null, redact: ['headers.authorization', 'authorization'] }, { write: writeLine })
}

const STDERR = 2

/** Writes a line. One that cannot be written (a full disk, a closed pipe) is lost: a log must not end the server. */
function writeLine(line: string): void {
  try {
    writeSync(STDERR, line)
  } catch {
    // There is no place left to say so.
  }
}
