/** Says on stderr what a command is doing, without filling a log: one line that changes, or now and then a line. */

export interface StatusLine {
  /** What is being done, and how much of it. */
  readonly report: (what: string, done?: number, of?: number) => void
  /** A line that stays. */
  readonly note: (text: string) => void
  /** Removes what is left of the changing line. */
  readonly end: () => void
}

/** On a terminal the line changes at most so often; elsewhere a line is written as seldom as that. */
const terminalMs = 100
const logMs = 10_000

export function createStatusLine(stream: NodeJS.WriteStream = process.stderr): StatusLine {
  const terminal = stream.isTTY
  let last = performance.now() - (terminal ? terminalMs : 0)
  const clear = terminal ? '\r\u001B[K' : ''
  return {
    report(what, done, of) {
      const now = performance.now()
      if (now - last < (terminal ? terminalMs : logMs)) return
      last = now
      const share = done === undefined || !of ? '' : ` ${Math.floor((100 * done) / of)} %`
      stream.write(
        terminal ? `${clear}${what}${share}`.slice(0, (stream.columns ?? 80) + clear.length - 1) : `${what}${share}\n`,
      )
    },
    note: (text) => void stream.write(`${clear}${text}\n`),
    end: () => void (terminal && stream.write(clear)),
  }
}
