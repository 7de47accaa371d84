/** What is asked of the hub: the commit of a revision, its files, and ranges of their bytes; again where it fails. */
import { SourceError } from '../contract.ts'
import type { HubModelName } from './name.ts'
import type { HubOptions } from './options.ts'
import { BytesError, networkFault, persistently, statusOf } from './retry.ts'

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
  // Loaded here: a server of bundles never asks the hub.
  const hub = await import('@huggingface/hub')
  const asked = {
    hubUrl: options.endpoint,
    ...(options.token === undefined ? {} : { accessToken: options.token }),
    fetch: (url: Parameters<typeof fetch>[0], init?: RequestInit) =>
      fetch(url, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) }),
  }
  const repo = { type: 'model', name: name.repo } as const
  const refused = (cause: unknown, tries: number): Error => refusal(name, options, cause, tries)
  const again = <T>(ask: () => Promise<T>): Promise<T> => persistently(options.delaysMs, ask, refused)
  const askInfo = () => hub.modelInfo({ ...asked, name: name.repo, revision: name.revision, additionalFields: ['sha'] })
  const info = await persistently(patient ? options.delaysMs : [], askInfo, refused)
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
