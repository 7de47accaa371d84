/** What is asked of the hub: commits, lists of files, and ranges of bytes, again where the network fails. */
import { datasetInfo, downloadFile, listFiles } from '@huggingface/hub'
import { BytesError, networkFault, persistently, statusOf } from '../../../exporter/import/sources/hub/retry.ts'
import { DataError } from '../batch.ts'
import type { HubName } from './name.ts'
import type { CardConfig } from './split.ts'

export interface HubOptions {
  readonly endpoint: string
  readonly token?: string
  /** How long it waits before it tries again, each time. */
  readonly delaysMs: readonly number[]
}

/** A data set at one commit, which never changes. */
export interface HubSnapshot {
  readonly commit: string
  readonly configs: readonly CardConfig[]
  readonly paths: readonly string[]
  open(path: string): Promise<RemoteFile>
}

export interface RemoteFile {
  readonly path: string
  readonly size: number
  /** The bytes from one place to before another; those beyond the end are left out. */
  bytes(from: number, to: number): Promise<Uint8Array<ArrayBuffer>>
}

/** Bytes of one request: what is asked again when it fails. */
const requestBytes = 8 * 1024 * 1024
const requestTimeoutMs = 120_000

/** HF_ENDPOINT and HF_TOKEN, by which other tools are told too. Throws DataError. */
export function hubOptions(env: NodeJS.ProcessEnv): HubOptions {
  const endpoint = (env['HF_ENDPOINT'] ?? '').replace(/\/+$/, '') || 'https://huggingface.co'
  const token = env['HF_TOKEN'] ?? ''
  if (token !== '' && !token.startsWith('hf_')) throw new DataError('HF_TOKEN: expected a token that begins with hf_')
  return { endpoint, delaysMs: [1000, 2000, 4000, 8000], ...(token === '' ? {} : { token }) }
}

/** Finds the commit of a revision and lists its files. Throws DataError where the hub refuses or is not there. */
export async function openSnapshot(name: HubName, revision: string, options: HubOptions): Promise<HubSnapshot> {
  const { endpoint, token } = options
  const asked = {
    hubUrl: endpoint,
    ...(token === undefined ? {} : { accessToken: token }),
    fetch: (url: Parameters<typeof fetch>[0], init?: RequestInit) =>
      fetch(url, { ...init, signal: AbortSignal.timeout(requestTimeoutMs) }),
  }
  const repo = { type: 'dataset', name: name.repo } as const
  const again = <T>(ask: () => Promise<T>): Promise<T> =>
    persistently(options.delaysMs, ask, (cause, tries) => refusal(name.text, options, cause, tries))
  const info = await again(() =>
    datasetInfo({ ...asked, name: name.repo, revision, additionalFields: ['sha', 'cardData'] }),
  )
  const commit = info.sha
  const paths = await again(async () => {
    const found: string[] = []
    for await (const { type, path } of listFiles({ ...asked, repo, revision: commit, recursive: true }))
      if (type === 'file') found.push(path)
    return found
  })
  return {
    commit,
    configs: (info.cardData as { configs?: readonly CardConfig[] } | undefined)?.configs ?? [],
    paths,
    async open(path) {
      // Plain ranges of bytes: what is read is small beside what the hub's own protocol for large files is made for
      const blob = await again(() => downloadFile({ ...asked, repo, path, revision: commit, xet: false }))
      if (blob === null) throw new DataError(`${name.text}: ${path}: the hub has no such file at ${commit}`)
      const range = (from: number, to: number) => again(() => wholeRange(blob, from, to))
      return { path, size: blob.size, bytes: (from, to) => inPieces(range, from, Math.min(to, blob.size)) }
    },
  }
}

async function wholeRange(blob: Blob, from: number, to: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(await blob.slice(from, to).arrayBuffer())
  if (bytes.length !== to - from) throw new BytesError(`expected ${to - from} bytes, got ${bytes.length}`)
  return bytes
}

async function inPieces(
  range: (from: number, to: number) => Promise<Uint8Array<ArrayBuffer>>,
  from: number,
  to: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (to - from <= requestBytes) return to > from ? range(from, to) : new Uint8Array()
  const whole = new Uint8Array(to - from)
  for (let at = from; at < to; at += requestBytes)
    whole.set(await range(at, Math.min(at + requestBytes, to)), at - from)
  return whole
}

function refusal(name: string, { endpoint, token }: HubOptions, cause: unknown, tries: number): Error {
  const say = (text: string): DataError => new DataError(`${name}: ${endpoint} ${text}`, { cause })
  const tried = tries === 1 ? '' : `, tried ${tries} times`
  if (cause instanceof BytesError) return say(`does not serve ranges of files: ${cause.message}${tried}`)
  const status = statusOf(cause)
  if (status === undefined) {
    const fault = networkFault(cause)
    return fault === undefined ? (cause as Error) : say(`cannot be reached (${fault})${tried}`)
  }
  if (status === 404) return say('has no such data set, revision or file (404)')
  if (status !== 401 && status !== 403) return say(`answered with status ${status}${tried}`)
  const remedy =
    token === undefined ? 'set HF_TOKEN to a token that may read it' : 'the token in HF_TOKEN may not read it'
  return say(`refused access (${status}): the data set is private, gated or not there; ${remedy}`)
}
