/** Runs the command `mneme` as its users do, and says what came of it. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { compiled } from '../../support/build.ts'

/** The command in the checkout, which loads TypeScript; compiled it starts three times as fast. */
export const sourceBin = fileURLToPath(new URL('../../../clients/cli/bin.js', import.meta.url))
const compiledBin = compiled('clients/cli/bin.js')

export interface Finished {
  /** The exit code, or the signal that ended it. */
  readonly code: number | NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Starts `mneme ARGS`; `type` writes to its stdin, `until` waits for text on either output, `done` for its end. */
export function startMneme(args: readonly string[], env: Record<string, string> = {}, bin = compiledBin) {
  const child = spawn(process.execPath, [bin, ...args], { env: { ...process.env, ...env }, stdio: 'pipe' })
  onTestFinished(() => void child.kill('SIGKILL'))
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const done = new Promise<Finished>((resolve) =>
    child.once('close', (code, signal) => resolve({ code: code ?? signal, stdout, stderr })),
  )
  return {
    done,
    signal: (name: NodeJS.Signals) => child.kill(name),
    type: (text: string) => child.stdin.write(text),
    end: () => child.stdin.end(),
    async until(pattern: RegExp): Promise<string> {
      const ended = done.then(() => 'ended' as const)
      for (;;) {
        const found = pattern.exec(stdout + stderr)
        if (found) return found[0]
        const next = await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 20))])
        if (next === 'ended') throw new Error(`mneme ${args.join(' ')} ended without ${pattern}: ${stdout}${stderr}`)
      }
    },
  }
}

/** Runs `mneme ARGS` with `input` to its end. */
export async function runMneme(
  args: readonly string[],
  input = '',
  env: Record<string, string> = {},
  bin = compiledBin,
): Promise<Finished> {
  const process = startMneme(args, env, bin)
  process.type(input)
  process.end()
  return process.done
}
