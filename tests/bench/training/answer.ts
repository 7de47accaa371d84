/** The other end of a race: a process that trains when it is told to. */
import { createInterface } from 'node:readline'

/** Says hello with the first loss, then trains as many seconds as each line of stdin says. */
export async function answer(description: string, step: () => Promise<number>): Promise<void> {
  // The first step compiles, allocates, and has the loss by which contenders are compared
  process.stdout.write(`${JSON.stringify({ first: await step(), description })}\n`)
  for await (const line of createInterface({ input: process.stdin })) {
    const began = performance.now()
    let [steps, loss] = [0, 0]
    do {
      loss = await step()
      steps++
    } while (performance.now() - began < Number(line) * 1000)
    process.stdout.write(`${JSON.stringify({ steps, seconds: (performance.now() - began) / 1000, loss })}\n`)
  }
}
