/** An engine as a process that runs the rounds it is asked for: one JSON object a line. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const here = import.meta.dirname

export class Engine {
  readonly name: string
  readonly #process: ChildProcessWithoutNullStreams
  readonly #lines: AsyncIterator<string>

  /** llama.cpp on a .gguf file. */
  static llama(name: string, file: string, threads: string): Engine {
    return new Engine(`llama.cpp ${name}`, [join(here, 'llama-worker.mjs')], file, threads)
  }

  /** Our engine on a bundle. */
  static mneme(name: string, bundle: string, threads: string): Engine {
    return new Engine(name, ['--import', 'tsx', join(here, 'mneme-worker.ts')], bundle, threads)
  }

  private constructor(name: string, args: readonly string[], model: string, threads: string) {
    this.name = name
    const env = { ...process.env, MODEL: model, THREADS: threads, UV_THREADPOOL_SIZE: '1' }
    this.#process = spawn(process.execPath, args, { env })
    this.#process.stderr.on('data', (text: Buffer) => process.stderr.write(text))
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]()
  }

  async ask<T>(round: object): Promise<T> {
    this.#process.stdin.write(`${JSON.stringify(round)}\n`)
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error(`${this.name}: ended`)
    return (JSON.parse(value) as { result: T }).result
  }

  close(): void {
    this.#process.stdin.end()
  }
}
