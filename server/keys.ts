/** API keys: who asks, for which tenant, and what they may do. Keys are compared by hash and never logged. */
import { timingSafeEqual } from 'node:crypto'
import { HASH, hashOf, readKeysFile, SCOPES, type Scope } from './keys-file.ts'

/** Who holds a key. */
export interface Holder {
  /** The key's name in the keys file; for logs. */
  readonly name: string
  /** Owner of what is stored. Keys of one tenant share it, so a key can be replaced. */
  readonly owner: string
  readonly scopes: ReadonlySet<Scope>
}

export interface KeyRing {
  readonly required: boolean
  /** The holder of `key`; null if it is none of ours. Without configured keys everybody is the local owner. */
  holderOf(key: string | null): Holder | null
  /** Whether the key of `holder` has not been taken away since. */
  holds(holder: Holder): boolean
  /** Reads the keys file again. Throws ConfigError, and keeps the keys as they were, if it cannot be used. */
  reload(): void
}

/** The holder where no keys are configured. */
const LOCAL: Holder = { name: 'local', owner: 'local', scopes: new Set(SCOPES) }

interface Entry {
  readonly hash: Buffer
  readonly holder: Holder
}

/** The keys given one by one, each its own tenant with every scope, and those of `file`. Throws ConfigError. */
export function createKeyRing(keys: readonly string[], file?: string): KeyRing {
  const given = keys.map((key, i): Entry => {
    const hash = hashOf(key)
    return { hash, holder: { name: `key ${i + 1}`, owner: hash.toString('hex'), scopes: new Set(SCOPES) } }
  })
  let entries = [...given, ...(file === undefined ? [] : entriesOf(file))]
  const required = keys.length > 0 || file !== undefined
  const find = (hash: Buffer): Entry | undefined => {
    // Every entry is compared, so the time does not tell which one was close.
    const found = entries.filter((entry) => timingSafeEqual(entry.hash, hash))
    return found[0]
  }
  return {
    required,
    holderOf: (key) => (required ? (find(hashOf(key ?? ''))?.holder ?? null) : LOCAL),
    holds: (holder) => !required || entries.some((entry) => entry.holder === holder),
    reload() {
      if (file === undefined) return
      const before = new Map(entries.map((entry) => [identityOf(entry), entry]))
      // A key that did not change keeps its holder object, so its connections stay open.
      entries = [...given, ...entriesOf(file).map((entry) => before.get(identityOf(entry)) ?? entry)]
    },
  }
}

function entriesOf(file: string): Entry[] {
  return readKeysFile(file).map(({ name, hash, tenant = name, scopes }) => ({
    hash: Buffer.from(HASH.exec(hash)?.[1] ?? '', 'hex'),
    holder: { name, owner: tenant, scopes: new Set(scopes) },
  }))
}

function identityOf({ hash, holder }: Entry): string {
  return JSON.stringify([hash.toString('hex'), holder.name, holder.owner, [...holder.scopes].toSorted()])
}
