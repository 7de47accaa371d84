/** What the environment says of the hub, by the variables that other tools read too. */
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { SourceError } from '../contract.ts'

export interface HubProgress {
  readonly file: string
  /** Bytes that are here, and that the file has. */
  readonly received: number
  readonly size: number
}

export interface HubOptions {
  readonly endpoint: string
  /** The folder that holds models--OWNER--NAME; other tools use the same one. */
  readonly cache: string
  readonly token?: string
  /** Nothing is asked of the network. */
  readonly offline: boolean
  /** How long it waits before it asks again, each time. */
  readonly delaysMs: readonly number[]
  readonly onProgress?: (progress: HubProgress) => void
  /** Told when something other than asked for is used: a cached copy, because the hub does not answer. */
  readonly onNote?: (note: string) => void
}

/** HF_ENDPOINT, HF_TOKEN or the token file, HF_HUB_CACHE or HF_HOME, HF_HUB_OFFLINE. Throws SourceError. */
export function hubOptions(env: NodeJS.ProcessEnv): HubOptions {
  const home = env['HF_HOME'] || join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'huggingface')
  const token = env['HF_TOKEN'] || tokenFile(env['HF_TOKEN_PATH'] || join(home, 'token'))
  if (token !== '' && !token.startsWith('hf_'))
    throw new SourceError('HF_TOKEN, or the file with the token: expected a token that begins with hf_')
  return {
    endpoint: (env['HF_ENDPOINT'] ?? '').replace(/\/+$/, '') || 'https://huggingface.co',
    cache: env['HF_HUB_CACHE'] || env['HUGGINGFACE_HUB_CACHE'] || join(home, 'hub'),
    offline: ['1', 'true', 'yes', 'on'].includes((env['HF_HUB_OFFLINE'] ?? '').toLowerCase()),
    delaysMs: [1000, 2000, 4000, 8000],
    ...(token === '' ? {} : { token }),
  }
}

function tokenFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return '' // who has not logged in has no such file
  }
}
