/** The command line as it was typed, for reports and results. */

/** `mneme ...` without the server's key; arguments that a shell would split are quoted. */
export function commandLine(args: readonly string[] = process.argv.slice(2)): string {
  const shown = args.map((arg, i) => {
    if (args[i - 1] === '--api-key') return '***'
    const text = arg.replace(/^(--api-key=).*/s, '$1***')
    return /^[\w./:=,@+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
  })
  return ['mneme', ...shown].join(' ')
}
