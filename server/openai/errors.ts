/** Errors as the client sees them: OpenAI's shape, one status, one sentence, the parameter that is meant. */
import { StoreError, type StoreFailure } from '../store/errors.ts'

export class ApiError extends Error {
  override name = 'ApiError' as const
  readonly status: number
  readonly code: string
  readonly param: string | null
  /** Seconds after which the same request may work. */
  readonly retryAfter: number | null
  /** Methods that the path has, of a 405. */
  readonly allow: string | null
  /** What else stands in the body. */
  readonly fields: Readonly<Record<string, string>>

  constructor(
    status: number,
    code: string,
    message: string,
    options: {
      param?: string
      retryAfter?: number
      allow?: string
      fields?: Readonly<Record<string, string>>
      cause?: unknown
    } = {},
  ) {
    super(message, { cause: options.cause })
    this.status = status
    this.code = code
    this.param = options.param ?? null
    this.retryAfter = options.retryAfter ?? null
    this.allow = options.allow ?? null
    this.fields = options.fields ?? {}
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
  return {
    error: {
      message: error.message,
      type: typeOf(error.status),
      param: error.param,
      code: error.code,
      ...error.fields,
    },
  }
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
  if (error instanceof StoreError) return fromStoreError(error)
  return new ApiError(500, 'server_error', `Something went wrong here; the log says more under ${requestId}.`, {
    cause: error,
  })
}

function typeOf(status: number): string {
  if (status === 401 || status === 403) return 'authentication_error'
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}

/** Status, code and sentence of each failure. 507 is Insufficient Storage (RFC 4918). */
const ANSWERS: Readonly<Record<StoreFailure, readonly [status: number, code: string, message: string]>> = {
  full: [
    507,
    'storage_full',
    'The disk of the data folder is full, so this did not happen. Delete responses or free some space, and try again.',
  ],
  read_only: [507, 'storage_read_only', 'The data folder cannot be written, so this did not happen.'],
  corrupt: [500, 'storage_corrupt', 'What is stored of it is damaged. It can be deleted.'],
  gone: [503, 'storage_gone', "The data folder's files are gone; the server is stopping. Nothing was stored."],
  erased: [
    409,
    'deleted_meanwhile',
    'A memory or response that this reply rests on was deleted while it was made, so it is not stored. Ask again.',
  ],
  busy: [409, 'conversation_locked', 'Another response came first in this conversation. Ask again.'],
  away: [503, 'memory_store_unavailable', 'The server that holds memories cannot be reached. Try again.'],
  failed: [500, 'storage_error', 'The store failed, so this did not happen. The log of the server says more.'],
}

/** Seconds after which another server may answer. */
const RETRY_AFTER = 5

function fromStoreError(error: StoreError): ApiError {
  const [status, code, message] = ANSWERS[error.reason]
  return new ApiError(status, code, message, { cause: error, ...(status === 503 ? { retryAfter: RETRY_AFTER } : {}) })
}
