#!/usr/bin/env node
// The command `mneme`, in plain JavaScript so that it starts from a checkout without a build. There TypeScript is loaded
// through tsx, in this very process, so that signals and exit codes are the command's own. An installed package has no
// TypeScript: the compiled command is beside this file or in dist.
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const source = new URL('./mneme.ts', import.meta.url)
const built = new URL('./mneme.js', import.meta.url)
const fromSource = existsSync(source)
if (fromSource) (await import('tsx/esm/api')).register()
const compiled = existsSync(built) ? built : new URL('../../dist/clients/cli/mneme.js', import.meta.url)
const { run } = await import(fromSource ? source.href : compiled.href)
let root = dirname(fileURLToPath(import.meta.url))
while (!existsSync(`${root}/package.json`)) root = dirname(root)
process.exitCode = await run(process.argv.slice(2), root)
