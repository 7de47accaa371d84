/** Several streams as one. */

/**
 * Items of all streams in the order in which they come. Throws what the first failing one throws. Each stream is one
 * item ahead at most; when the reader leaves, all streams are ended.
 */
export async function* merge<T>(streams: readonly AsyncGenerator<T>[]): AsyncGenerator<T> {
  const ready: { readonly item: T; readonly taken: () => void }[] = []
  let open = streams.length
  let left = false
  let failure: { readonly error: unknown } | null = null
  let wake: (() => void) | null = null
  let given: (() => void) | null = null

  const forward = async (stream: AsyncGenerator<T>): Promise<void> => {
    try {
      for await (const item of stream) {
        const taken = new Promise<void>((resolve) => ready.push({ item, taken: resolve }))
        wake?.()
        if (!left) await taken
        if (left) break
      }
    } catch (error) {
      failure ??= { error }
    }
    open--
    wake?.()
  }
  for (const stream of streams) void forward(stream)
  try {
    for (;;) {
      const next = ready.shift()
      if (next) {
        given = next.taken
        yield next.item
        next.taken()
      } else if (failure) {
        throw (failure as { readonly error: unknown }).error
      } else if (open === 0) {
        return
      } else {
        await new Promise<void>((resolve) => (wake = resolve))
      }
    }
  } finally {
    left = true
    given?.()
    for (const { taken } of ready) taken()
  }
}
