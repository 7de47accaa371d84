/** What is asked of the hub: the commit of a revision, its files, and ranges of their bytes; again where it fails. */
import { setTimeout } from 'node:timers/promises'
import type * as hubLibrary from '@huggingface/hub'
import { SourceError } from '../contract.ts'
import type { HubModelName } from './name.ts'
import type { HubOptions } from './options.ts'

export interface HubFile {
  readonly path: string
  readonly size: number
  /** sha256 of a large file, or else the sha1 that git gives to a file; it names the file in the cache. */
  readonly hash: string
  readonly hashKind: 'sha256' | 'git'
}

/** A model at one commit, which never changes. */
export interface HubRepository {
  readonly commit: string
  readonly files: readonly HubFile[]
  /** Opens a file; the result gives the bytes from one place to before another. */
  open(file: HubFile): Promise<(from: number, to: number) => Promise<Uint8Array>>
}

/** The network does not answer, which a copy in the cache may make good. */
export class HubUnreachable extends SourceError {}

const TIMEOUT_MS = 120_000

/**
 * Asks what a repository has; `patient` says whether it asks again where the hub is not there. Throws SourceError where
 * the hub refuses, and HubUnreachable where it is not there.
 */
export async function openRepository(
  name: HubModelName,
  options: HubOptions,
  patient: boolean,
): Promise<HubRepository> {
  const hub = await loadLibrary(name)
  const asked = {
    hubUrl: options.endpoint,
    ...(options.token === undefined ? {} : { accessToken: options.token }),
    fetch: (url: Parameters<typeof fetch>[0], init?: RequestInit) =>
      fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) }),
  }
  const repo = { type: 'model', name: name.repo } as const
  const again = <T>(ask: () => Promise<T>): Promise<T> => persistently(name, options, ask)
  const info = await persistently(name, patient ? options : { ...options, delaysMs: [] }, () =>
    hub.modelInfo({ ...asked, name: name.repo, revision: name.revision, additionalFields: ['sha'] }),
  )
  const commit = info.sha
  const files = await again(async () => {
    const found: HubFile[] = []
    for await (const { type, path, size, oid, lfs } of hub.listFiles({
      ...asked,
      repo,
      revision: commit,
      recursive: true,
    })) {
      if (type !== 'file' || path.split('/').includes('..') || path.startsWith('/')) continue
      const hash = lfs ? lfs.oid.replace(/^sha256:/, '') : (oid ?? '')
      found.push({ path, size: lfs?.size ?? size, hash, hashKind: lfs ? 'sha256' : 'git' })
    }
    return found
  })
  return {
    commit,
    files,
    async open({ path, size }) {
      // Plain ranges of bytes: what is already here is not asked for again
      const blob = await again(() => hub.downloadFile({ ...asked, repo, path, revision: commit, xet: false }))
      if (blob?.size !== size)
        throw new SourceError(
          `${name.text}: ${path}: expected ${size} bytes, the hub has ${blob?.size ?? 'no such file'}`,
        )
      return (from, to) =>
        again(async () => {
          const bytes = new Uint8Array(await blob.slice(from, to).arrayBuffer())
          if (bytes.length !== to - from) throw new BytesError(`expected ${to - from} bytes, got ${bytes.length}`)
          return bytes
        })
    },
  }
}

/** The server sent less, or more, than it was asked for. */
class BytesError extends Error {
  override name = 'BytesError' as const
}

/** The client library is installed by those who want models of a hub. */
async function loadLibrary(name: HubModelName): Promise<typeof hubLibrary> {
  return import('@huggingface/hub').catch((cause: unknown) => {
    throw new SourceError(`${name.text}: needs the package @huggingface/hub: npm install @huggingface/hub`, { cause })
  })
}

/** Asks until it is answered or patience ends. */
async function persistently<T>(name: HubModelName, options: HubOptions, ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask()
    } catch (error) {
      const delay = options.delaysMs[tries - 1]
      if (delay === undefined || !isPassing(error)) throw refusal(name, options, error, tries)
      await setTimeout(delay)
    }
  }
}

/** The status of an answer that the hub's library took for an error. */
function statusOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | null)?.statusCode
  return typeof status === 'number' ? status : undefined
}

/** Whether the same question may be answered later. */
function isPassing(error: unknown): boolean {
  const status = statusOf(error)
  if (status !== undefined) return status === 408 || status === 429 || status >= 500
  return error instanceof BytesError || networkFault(error) !== undefined
}

/** What fetch says of a network that does not answer. */
function networkFault(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if (error.name === 'TimeoutError') return 'no answer in time'
  if (error.message !== 'fetch failed' && error.message !== 'terminated') return undefined
  const { code, message } = (error.cause ?? {}) as { code?: string; message?: string }
  return code ?? message ?? error.message
}

function refusal(name: HubModelName, { endpoint, token }: HubOptions, cause: unknown, tries: number): Error {
  const where = `${name.text}: ${endpoint}`
  const tried = tries === 1 ? '' : `, tried ${tries} times`
  if (cause instanceof BytesError)
    return new SourceError(`${where} does not serve ranges of files: ${cause.message}${tried}`, { cause })
  const status = statusOf(cause)
  if (status === undefined) {
    const fault = networkFault(cause)
    return fault === undefined
      ? (cause as Error)
      : new HubUnreachable(`${where} cannot be reached (${fault})${tried}`, { cause })
  }
  if (status === 404) return new SourceError(`${where} has no such model or revision (404)`, { cause })
  if (status >= 500) return new HubUnreachable(`${where} answered with status ${status}${tried}`, { cause })
  if (status !== 401 && status !== 403)
    return new SourceError(`${where} answered with status ${status}${tried}`, { cause })
  const remedy = token === undefined ? 'set HF_TOKEN to a token that may read it' : 'the token may not read it'
  return new SourceError(`${where} refused access (${status}): the model is private, gated or not there; ${remedy}`, {
    cause,
  })
}
