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

  /** transformers.js on a folder in its conventions. */
  static transformers(folder: string, threads: string): Engine {
    return new Engine('transformers.js', [join(here, 'transformers-worker.mjs')], folder, threads)
  }

  /** onnxruntime-genai on a folder in its conventions; its threads stand in genai_config.json. */
  static genai(folder: string, threads: string): Engine {
    const python = join(here, '../../../.cache/peers/genai/bin/python')
    return new Engine('onnxruntime-genai', [join(here, 'genai-worker.py')], folder, threads, python)
  }

  private constructor(
    name: string,
    args: readonly string[],
    model: string,
    threads: string,
    program: string = process.execPath,
  ) {
    this.name = name
    const env = { ...process.env, MODEL: model, THREADS: threads, UV_THREADPOOL_SIZE: '1' }
    this.#process = spawn(program, args, { env })
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
