/** How models of a hub are named: hf:OWNER/NAME[@REVISION][:FILE]. */
import { SourceError } from '../contract.ts'

export interface HubModelName {
  /** As it was given. */
  readonly text: string
  /** OWNER/NAME, or NAME alone. */
  readonly repo: string
  /** A branch, a tag or a commit. */
  readonly revision: string
  /** One .gguf file of the repository. */
  readonly file?: string
}

const pattern = /^hf:(?<repo>[\w.-]+(?:\/[\w.-]+)?)(?:@(?<revision>[^:\s]+))?(?::(?<file>\S+))?$/

/** Whether something names a model of a hub, rather than a file or folder. */
export function isHubModelName(text: string): boolean {
  return text.startsWith('hf:') && !text.startsWith('hf://')
}

/** Throws SourceError for anything that is not hf:OWNER/NAME[@REVISION][:FILE]. */
export function parseHubModelName(text: string): HubModelName {
  const found = pattern.exec(text)?.groups
  const repo = found?.['repo'] ?? ''
  if (!found || repo.split('/').some((part) => /^\.+$/.test(part)))
    throw new SourceError(`${text}: expected hf:OWNER/NAME[@REVISION][:FILE]`)
  const { revision = 'main', file } = found
  return { text, repo, revision, ...(file === undefined ? {} : { file }) }
}
