// Entry of a process whose module is TypeScript: see vector-index/index-process.ts.
import { register } from 'tsx/esm/api'

register()
await import(process.argv[2])
