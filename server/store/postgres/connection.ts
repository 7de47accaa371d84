/** Connections to the PostgreSQL that holds memories. */
import { Pool, types } from 'pg'
import { StoreError } from '../errors.ts'
import { POSTGRES_TABLES } from './tables.ts'

const CONNECT_MS = 3000
/** A server that could not be reached is not asked again before that: turns do not wait for it one after the other. */
const AWAY_MS = 500
const STATEMENT_MS = 30_000
const CONNECTIONS = 8
/** Of all servers that make the tables at the same time one does. */
const TABLES_LOCK = 7_140_211

/** Runs one statement; a connection or a transaction of one. */
// As in pg itself, who asks says what the rows are.
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export type Query = <Row extends object = Record<string, never>>(
  text: string,
  values?: readonly unknown[],
) => Promise<{ readonly rows: Row[]; readonly count: number }>

export interface Connection {
  /** Whether the last transaction reached the server. */
  isReachable(): boolean
  /** Runs `work` in a transaction. Rejects with StoreError: `away` where the server cannot be reached. */
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T>
  close(): Promise<void>
}

// Numbers up to 2^53: none of ours is larger.
types.setTypeParser(types.builtins.INT8, Number)

/** `folder` names the data folder that the memories belong to: another one's are not touched. */
export function connectPostgres(url: string, folder: string): Connection {
  const pool = new Pool({
    connectionString: url,
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    query_timeout: STATEMENT_MS,
    application_name: 'mneme',
  })
  // Idle connections end when the server does. The next transaction says so.
  pool.on('error', () => undefined)
  // One that ends while it is used fails the statement that is running, or the next one.
  pool.on('connect', (client) => client.on('error', () => undefined))
  let opening: Promise<void> | null = null
  let failure: { readonly error: StoreError; readonly until: number } | null = null
  const within = async <T>(work: (query: Query) => Promise<T>): Promise<T> => {
    const client = await pool.connect()
    let failed: Error | undefined
    // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
    const query: Query = async <Row extends object>(text: string, values: readonly unknown[] = []) => {
      const { rows, rowCount } = await client.query(text, values.length === 0 ? undefined : [...values])
      return { rows: rows as Row[], count: rowCount ?? 0 }
    }
    try {
      await query('BEGIN')
      const value = await work(query)
      await query('COMMIT')
      return value
    } catch (error) {
      failed = error as Error
      await client.query('ROLLBACK').catch(() => undefined)
      throw error
    } finally {
      // A connection in an unknown state is not used again.
      client.release(failed && isAway(failed) ? failed : undefined)
    }
  }
  const open = (): Promise<void> =>
    within(async (query) => {
      await query('SELECT pg_advisory_xact_lock($1)', [TABLES_LOCK])
      await query(POSTGRES_TABLES)
      await query('INSERT INTO mneme_folder (id) VALUES ($1) ON CONFLICT DO NOTHING', [folder])
      const { rows } = await query<{ id: string }>('SELECT id FROM mneme_folder')
      if (rows[0]?.id === folder) return
      throw new StoreError(
        'failed',
        `memory store: expected a database that is empty or has the memories of this data folder (${folder}), ` +
          `got one with those of ${rows[0]?.id}. Name another database with --memory-store.`,
      )
    })
  return {
    async transaction(work) {
      if (failure && failure.until > performance.now()) throw failure.error
      try {
        opening ??= open()
        await opening.catch((error: unknown) => {
          opening = null
          throw error
        })
        const value = await within(work)
        failure = null
        return value
      } catch (thrown) {
        const error = toStoreError(thrown)
        if (error.reason === 'away') failure = { error, until: performance.now() + AWAY_MS }
        throw error
      }
    },
    isReachable: () => failure === null,
    close: () => pool.end(),
  }
}

/** SQLSTATE classes (PostgreSQL's appendix A): connection exceptions, too many connections, an operator ended the server. */
const AWAY = /^(?:08|53300|57P)/

function isAway(error: Error): boolean {
  const { code } = error as { code?: string }
  // Without a SQLSTATE it is a socket's error, or one of the client's time limits.
  return code === undefined || AWAY.test(code) || !/^[0-9A-Z]{5}$/.test(code)
}

function toStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error
  const { message, constructor } = error as Error
  // What is wrong in our own code is no matter of the server.
  if (constructor === TypeError || constructor === RangeError) throw error
  const reason = isAway(error as Error) ? 'away' : 'failed'
  return new StoreError(reason, `the PostgreSQL of memories: ${message || 'it cannot be reached'}`, { cause: error })
}
