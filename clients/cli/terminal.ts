/** Where a conversation is typed and read: a terminal with prompt, dim notes and Ctrl-C, or plain pipes. */
import { createInterface } from 'node:readline'

export interface Terminal {
  /** A person sits at it. */
  readonly interactive: boolean
  /** What is typed, line by line, without empty lines. */
  lines(): AsyncGenerator<string>
  /** Writes a piece of the reply. */
  write(text: string): void
  /** Writes a line beside the conversation: to stderr, so that a pipe gets the replies alone. */
  note(text: string, where?: 'terminal'): void
  /** Calls `listener` on Ctrl-C until the result is called; otherwise the second Ctrl-C ends `lines`. */
  onInterrupt(listener: () => void): () => void
  close(): void
}

/** Between two presses of Ctrl-C that mean to leave. */
const TWICE_MS = 2_000

/** The terminal of this process. */
export function createTerminal(): Terminal {
  const interactive = process.stdin.isTTY && process.stdout.isTTY
  const reader = createInterface({
    input: process.stdin,
    terminal: interactive,
    ...(interactive ? { output: process.stdout } : {}),
  })
  // From now on, so that nothing typed before `lines` is read is lost.
  const typed = reader[Symbol.asyncIterator]()
  let listener: (() => void) | null = null
  let pressedAt = -Infinity
  const note: Terminal['note'] = (text, where) => {
    if (where === 'terminal' && !interactive) return
    process.stderr.write(process.stderr.isTTY ? `\u001B[2m${text}\u001B[22m\n` : `${text}\n`)
  }
  const interrupt = (): void => {
    const twice = performance.now() - pressedAt < TWICE_MS
    pressedAt = performance.now()
    if (twice) reader.close()
    if (listener) listener()
    else if (!twice) note('\nCtrl-C again to leave')
    if (!twice && !listener && interactive) reader.prompt()
  }
  // On a terminal the reader takes Ctrl-C; through pipes it comes as a signal.
  reader.on('SIGINT', interrupt)
  process.on('SIGINT', interrupt)
  return {
    interactive,
    async *lines() {
      if (interactive) reader.prompt()
      for await (const line of typed) {
        if (line.trim() !== '') yield line.trim()
        if (interactive) reader.prompt()
      }
    },
    write: (text) => void process.stdout.write(text),
    note,
    onInterrupt(on) {
      listener = on
      return () => (listener = null)
    },
    close() {
      process.off('SIGINT', interrupt)
      reader.close()
    },
  }
}
