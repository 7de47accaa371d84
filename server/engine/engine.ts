/** The engine: takes jobs as messages, and steps the scheduler while there is work. */
import type { TextCodec } from '../../runtime/text.ts'
import type { FromEngine, ToEngine } from './messages.ts'
import { Outbox } from './outbox.ts'
import type { Runner } from './runner.ts'
import { Scheduler } from './scheduler.ts'

/** Returns the function that takes messages; `emit` gets the answers, `ready` first. `onClosed`: memory is given back. */
export function createEngine(
  runner: Runner,
  codec: TextCodec,
  runtime: string,
  emit: (message: FromEngine) => void,
  onClosed: () => void,
): (message: ToEngine) => void {
  const outbox = new Outbox((events) => emit({ kind: 'events', events }))
  const scheduler = new Scheduler(runner, codec, (events) => outbox.add(events))
  let running = false
  let closing = false
  const isClosing = (): boolean => closing

  const loop = async (): Promise<void> => {
    running = true
    while (!(scheduler.idle || isClosing())) {
      await scheduler.step()
      // Messages (a cancellation, a new job) are taken between steps, so a cancelled reply ends within a token.
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    outbox.flush()
    running = false
    if (!closing) return
    runner.close()
    onClosed()
  }
  const wake = (): void => {
    if (!running) void loop()
  }

  const { stateBytes, rows, prefillChunk, exit, experts } = runner
  const exits = { exitAfter: exit?.after ?? null, exitPays: exit?.pays ?? false }
  const { vocabSize: vocab, format } = codec
  emit({ kind: 'ready', info: { vocab, stateBytes, rows, prefillChunk, runtime, format, ...exits, experts } })
  return (message) => {
    if (message.kind === 'cancel') scheduler.cancel(message.id)
    else if (message.kind === 'job') scheduler.add(message.job, message.prompt)
    else if (message.kind === 'forget') scheduler.forget(message.owner)
    else closing = true
    wake()
  }
}
