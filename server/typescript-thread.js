// Entry of a worker thread whose module is TypeScript: see thread.ts.
import { workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
await import(workerData.module)
