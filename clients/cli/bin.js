#!/usr/bin/env node
// The command `mneme`, in plain JavaScript so that it starts without a build: TypeScript is loaded through tsx, in this
// very process, so that signals and exit codes are the command's own.
import { register } from 'tsx/esm/api'

register()
const { run } = await import('./mneme.ts')
process.exitCode = await run(process.argv.slice(2))
