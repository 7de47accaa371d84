export interface CallOptions {
  /** Cancels the call, on the server too. */
  readonly signal?: AbortSignal
}
