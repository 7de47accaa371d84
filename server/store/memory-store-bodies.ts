/** What is kept of Anthropic's memory stores, their memories and versions. Times are milliseconds since 1970. */

/** Bodies of the objects (object-calls.ts). */
export interface MemoryStoreBodies {
  memory_store: {
    readonly name: string
    readonly description: string
    readonly metadata: Readonly<Record<string, string>>
    readonly created: number
    readonly updated: number
    readonly archived: number | null
  }
  /** A text at a path: `parent` is the memory store, `label` the path, `tag` its version; its content is the text. */
  store_memory: { readonly sha256: string; readonly created: number; readonly updated: number }
  /**
   * What a memory was from a time on: `parent` is the memory store, `label` what was done to it, `tag` the memory. The path
   * and the text's sha256 are null where it was redacted, the sha256 and the text where the memory was deleted.
   */
  memory_version: {
    readonly path: string | null
    readonly sha256: string | null
    readonly created: number
    readonly redacted: number | null
  }
}
