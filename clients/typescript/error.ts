/** The one error that this client throws. */

/** The server refused or failed, or could not be reached. */
export class MnemeError extends Error {
  override name = 'MnemeError' as const
  /** HTTP status; null where there was none: no connection, or the reply had begun. */
  readonly status: number | null
  readonly code: string
  /** The parameter that is meant. */
  readonly param: string | null

  constructor(
    message: string,
    options: { status?: number | null; code: string; param?: string | null; cause?: unknown },
  ) {
    super(message, { cause: options.cause })
    this.status = options.status ?? null
    this.code = options.code
    this.param = options.param ?? null
  }
}

/** The error in a body `{error: {message, code, param}}`; of anything else, what can be said of it. */
export function errorFrom(body: unknown, status: number | null): MnemeError {
  const { error } = (body ?? {}) as { error?: { message?: unknown; code?: unknown; param?: unknown } | null }
  if (typeof error?.message !== 'string')
    return new MnemeError(`The server answered ${status ?? 'something'} that is no answer of mneme's.`, {
      status,
      code: 'unexpected_answer',
    })
  return new MnemeError(error.message, {
    status,
    code: typeof error.code === 'string' ? error.code : 'unknown',
    param: typeof error.param === 'string' ? error.param : null,
  })
}

/** The server could not be reached, or went away. */
export function connectionError(url: string, cause?: unknown): MnemeError {
  return new MnemeError(`There is no connection to ${url}. Is mneme serve running there?`, {
    code: 'connection_failed',
    cause,
  })
}
