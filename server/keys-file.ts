/** The keys file: names, hashes, tenants and scopes of keys. The keys themselves are in no file. */
import { createHash } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import { ConfigError } from './config-error.ts'

export const SCOPES = ['api', 'metrics'] as const
/** `api`: everything under /v1, within the tenant. `metrics`: GET /metrics, which counts all tenants together. */
export type Scope = (typeof SCOPES)[number]

/** Of a key's hash: 64 hexadecimal digits. */
export const HASH = /^(?:sha256:)?([0-9a-f]{64})$/i
/** Names with a line break are the store's own (store/object-calls.ts). */
const ONE_LINE = [/^[^\n\r]*$/, 'expected a name without line breaks'] as const
const name = (length: number) =>
  z
    .string()
    .min(1)
    .max(length)
    .regex(...ONE_LINE)

const keySchema = z.strictObject({
  name: name(64),
  /** SHA-256 of the key in hexadecimal digits. */
  hash: z.string().regex(HASH, 'expected the SHA-256 of a key as 64 hexadecimal digits'),
  /** Default: the key's own name. */
  tenant: name(128).optional(),
  scopes: z.array(z.enum(SCOPES)).min(1).default(['api']),
})
const keysFileSchema = z.strictObject({ keys: z.array(keySchema) })

export type KeyEntry = z.output<typeof keySchema>

/** The keys of a file. Throws ConfigError where it cannot be used. */
export function readKeysFile(file: string): readonly KeyEntry[] {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new ConfigError(`${file}: expected a readable JSON file of keys, got ${String(cause)}`, { cause })
  }
  return checkKeys(file, value)
}

/** Writes the file in the place of what it was: a server that reads it meanwhile gets one or the other. */
export function writeKeysFile(file: string, keys: readonly z.input<typeof keySchema>[]): void {
  checkKeys(file, { keys })
  const made = `${file}.${process.pid}.new`
  writeFileSync(made, `${JSON.stringify({ keys }, null, 2)}\n`, { mode: 0o600 })
  renameSync(made, file)
}

function checkKeys(file: string, value: unknown): readonly KeyEntry[] {
  const parsed = keysFileSchema.safeParse(value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0] as z.core.$ZodIssue
    throw new ConfigError(`${file}: ${issue.path.join('.') || 'the file'}: ${issue.message}`)
  }
  const { keys } = parsed.data
  const twice = keys.find((key, i) => keys.findIndex((other) => other.name === key.name) !== i)
  if (twice) throw new ConfigError(`${file}: two keys are named '${twice.name}'; give each a name of its own`)
  return keys
}

/** The SHA-256 of a key. */
export const hashOf = (key: string): Buffer => createHash('sha256').update(key).digest()
