/** Holds a run's folder until it is killed. */
import { lockRun } from '../../trainer/run/lock.ts'

await lockRun(process.argv[2] as string)
process.stdout.write('locked\n')
setInterval(() => undefined, 1000)
