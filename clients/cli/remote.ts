/** What commands about a running server share: its address, the key, and how answers are printed. */
import type { Command } from 'commander'
import { createClient, type Client } from '../typescript/index.ts'

export interface Where {
  readonly url: string
  readonly apiKey?: string
  readonly json?: boolean
}

const DEFAULT_URL = 'http://127.0.0.1:8080'

/** Adds a command that asks a server. */
export function addRemote(parent: Command, usage: string, about: string): Command {
  return parent
    .command(usage)
    .description(about)
    .option(
      '--url <url>',
      'the server (default: MNEME_URL, else this machine)',
      process.env['MNEME_URL'] ?? DEFAULT_URL,
    )
    .option('--api-key <key>', 'key of that server (default: MNEME_API_KEY)', process.env['MNEME_API_KEY'])
    .option('--json', 'print what the server answered')
}

/** The client of the server that was named. */
export const clientOf = ({ url, apiKey }: Where): Client => createClient({ url, apiKey })

/** Prints `answer` as JSON where that was asked for, else `text`. */
export function print({ json }: Where, answer: object, text: string): void {
  if (json) process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`)
  else if (text !== '') process.stdout.write(`${text}\n`)
}

/** A time on one line; `seconds` since 1970. */
export const time = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 19)
