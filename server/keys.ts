/** API keys: who asks, for which tenant, and what they may do. Keys are compared by hash and never logged. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { ConfigError } from './config-error.ts'

export const SCOPES = ['api', 'metrics'] as const
/** `api`: everything under /v1, within the tenant. `metrics`: GET /metrics, which counts all tenants together. */
export type Scope = (typeof SCOPES)[number]

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

const HASH = /^(?:sha256:)?([0-9a-f]{64})$/i
/** Names with a line break are the store's own (store/object-calls.ts). */
const ONE_LINE = [/^[^\n\r]*$/, 'expected a name without line breaks'] as const
const keysFileSchema = z.strictObject({
  keys: z.array(
    z.strictObject({
      name: z
        .string()
        .min(1)
        .max(64)
        .regex(...ONE_LINE),
      /** SHA-256 of the key in hexadecimal digits. */
      hash: z.string().regex(HASH, 'expected the SHA-256 of a key as 64 hexadecimal digits'),
      /** Default: the key's own name. */
      tenant: z
        .string()
        .min(1)
        .max(128)
        .regex(...ONE_LINE)
        .optional(),
      scopes: z.array(z.enum(SCOPES)).min(1).default(['api']),
    }),
  ),
})

/** The keys given one by one, each its own tenant with every scope, and those of `file`. Throws ConfigError. */
export function createKeyRing(keys: readonly string[], file?: string): KeyRing {
  const given = keys.map((key, i): Entry => {
    const hash = hashOf(key)
    return { hash, holder: { name: `key ${i + 1}`, owner: hash.toString('hex'), scopes: new Set(SCOPES) } }
  })
  let entries = [...given, ...(file === undefined ? [] : readKeysFile(file))]
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
      entries = [...given, ...readKeysFile(file).map((entry) => before.get(identityOf(entry)) ?? entry)]
    },
  }
}

function readKeysFile(file: string): Entry[] {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new ConfigError(`${file}: expected a readable JSON file of keys, got ${String(cause)}`, { cause })
  }
  const parsed = keysFileSchema.safeParse(value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0] as z.core.$ZodIssue
    throw new ConfigError(`${file}: ${issue.path.join('.') || 'the file'}: ${issue.message}`)
  }
  const { keys } = parsed.data
  const twice = keys.find(({ name }, i) => keys.findIndex((other) => other.name === name) !== i)
  if (twice) throw new ConfigError(`${file}: two keys are named '${twice.name}'; give each a name of its own`)
  return keys.map(({ name, hash, tenant = name, scopes }) => ({
    hash: Buffer.from(HASH.exec(hash)?.[1] ?? '', 'hex'),
    holder: { name, owner: tenant, scopes: new Set(scopes) },
  }))
}

function identityOf({ hash, holder }: Entry): string {
  return JSON.stringify([hash.toString('hex'), holder.name, holder.owner, [...holder.scopes].toSorted()])
}

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}
