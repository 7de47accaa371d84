/**
 * Compiles everything once before the tests (vitest's globalSetup): processes that tests start run JavaScript, which
 * takes a third of the time that loading TypeScript takes in each of their threads.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const BUILD = '.cache/build'

export default function build(): void {
  const tsc = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))
  // Types are the concern of `npm run check`; JavaScript is written in spite of errors in them.
  spawnSync(process.execPath, [tsc, '--noEmit', 'false', '--outDir', BUILD], { cwd: root, stdio: 'ignore' })
  // Beside compiled code it loads that, as it does in an installed package.
  copyFileSync(`${root}clients/cli/bin.js`, `${root}${BUILD}/clients/cli/bin.js`)
}

/** The compiled file of a TypeScript source; `path` is relative to the repository. */
export function compiled(path: string): string {
  return `${root}${BUILD}/${path.replace(/\.ts$/, '.js')}`
}
