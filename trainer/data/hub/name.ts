/** How data sets of a hub are named on the command line. */
import { DataError } from '../batch.ts'

export interface HubName {
  /** As it was given. */
  readonly text: string
  /** OWNER/NAME. */
  readonly repo: string
  /** A branch, a tag or a commit. */
  readonly revision: string
  /** A configuration, a folder, a file or a pattern of files. */
  readonly part?: string
}

const short = /^hub:(?<repo>[\w.-]+(?:\/[\w.-]+)?)(?:@(?<revision>[^:\s]+))?(?::(?<part>\S+))?$/
// As fsspec writes it; the hub's own references are the only revisions with a slash
const long =
  /^hf:\/\/datasets\/(?<repo>[\w.-]+\/[\w.-]+)(?:@(?<revision>refs\/(?:convert|pr)\/[^/\s]+|[^/\s]+))?(?:\/(?<part>\S+))?$/

/** Whether something is meant to be a data set of the hub, rather than a file. */
export function isHubName(text: string): boolean {
  return text.startsWith('hub:') || text.startsWith('hf:')
}

/** Reads hub:OWNER/NAME[@REVISION][:CONFIG-OR-FILES] or hf://datasets/OWNER/NAME[@REVISION][/FILES]. Throws DataError. */
export function parseHubName(text: string): HubName {
  const found = (short.exec(text) ?? long.exec(text))?.groups
  if (!found?.['repo'])
    throw new DataError(
      `${text}: expected hub:OWNER/NAME[@REVISION][:CONFIG-OR-FILES] or hf://datasets/OWNER/NAME[@REVISION][/FILES]`,
    )
  const { repo, revision = 'main', part } = found
  return { text, repo, revision: decodeURIComponent(revision), ...(part === undefined ? {} : { part }) }
}
