/** Errors as the client sees them: OpenAI's shape, one status, one sentence, the parameter that is meant. */

export class ApiError extends Error {
  override name = 'ApiError' as const
  readonly status: number
  readonly code: string
  readonly param: string | null
  /** Seconds after which the same request may work. */
  readonly retryAfter: number | null
  /** Methods that the path has, of a 405. */
  readonly allow: string | null

  constructor(
    status: number,
    code: string,
    message: string,
    options: { param?: string; retryAfter?: number; allow?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.status = status
    this.code = code
    this.param = options.param ?? null
    this.retryAfter = options.retryAfter ?? null
    this.allow = options.allow ?? null
  }
}

export interface ErrorBody {
  readonly error: {
    readonly message: string
    readonly type: string
    readonly param: string | null
    readonly code: string
  }
}

/** The body `{error: {message, type, param, code}}` of an error. */
export function errorBody(error: ApiError): ErrorBody {
  return { error: { message: error.message, type: typeOf(error.status), param: error.param, code: error.code } }
}

/**
 * A WebSocket error event. OpenAI's SDK types it flat while its service nests it and adds the HTTP status: both are here.
 */
export function errorEvent(error: ApiError, sequenceNumber: number): Record<string, unknown> {
  const { code, message, param } = error
  return {
    type: 'error',
    status: error.status,
    ...errorBody(error),
    code,
    message,
    param,
    sequence_number: sequenceNumber,
  }
}

/** Any thrown value as an ApiError; what we did not expect says nothing of its inside. */
export function toApiError(error: unknown, requestId: string): ApiError {
  if (error instanceof ApiError) return error
  return new ApiError(500, 'server_error', `Something went wrong here; the log says more under ${requestId}.`, {
    cause: error,
  })
}

function typeOf(status: number): string {
  if (status === 401 || status === 403) return 'authentication_error'
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}
