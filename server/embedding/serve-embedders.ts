/** The embedders of a server's bundles: opens them, and computes the texts of all requests together. */
import { loadBundle } from '../../runtime/bundle.ts'
import { openController, type Controller } from '../../runtime/controller.ts'
import { openLogits } from '../../runtime/classifier.ts'
import { openEmbedder, type Embedder } from '../../runtime/embedder.ts'
import { runtimeInfo } from '../../runtime/open-graph.ts'
import type { ControlQuestion, EmbedQuestion, FromEmbedders, ToEmbedders } from './messages.ts'
import { readInput } from './read-input.ts'
import { TextQueue, type Round } from './text-queue.ts'

export type Answer = (answer: FromEmbedders, moved: ArrayBuffer[]) => void

/** Returns what takes the messages to a thread of embedders. */
export function serveEmbedders(answer: Answer): (message: ToEmbedders) => void {
  const embedders = new Map<string, Embedder>()
  const controllers = new Map<string, Controller>()
  const queue = new TextQueue(
    (question, index) => readInput(embedders.get(question.folder)!, question, index),
    (id, refused) => answer({ kind: 'refused', id, refused }, []),
  )
  let working = false

  const compute = async (round: Round): Promise<void> => {
    try {
      const vectors = await embedders.get(round.folder)!.embed(round.texts)
      for (const { id, vectors: all, tokens } of round.settle(vectors)) {
        const joined = joinVectors(all)
        answer({ kind: 'embedded', id, vectors: joined, tokens }, [joined.buffer])
      }
    } catch (error) {
      for (const id of round.drop()) answer({ kind: 'failed', id, message: messageOf(error) }, [])
    }
  }
  const work = async (): Promise<void> => {
    if (working) return
    working = true
    // Messages come in between rounds: their texts are computed with what is left.
    for (let round = queue.take(); round; round = queue.take()) {
      await compute(round)
      await new Promise(setImmediate)
    }
    working = false
  }
  const open = async (message: Extract<ToEmbedders, { kind: 'open' | 'open-controller' }>): Promise<void> => {
    const { id, folder } = message
    const threads = message.kind === 'open' ? message.threads : 1
    try {
      if (message.kind === 'open-controller') {
        if (!controllers.has(folder)) controllers.set(folder, await openController(await loadBundle(folder)))
      } else if (!embedders.has(folder)) embedders.set(folder, await openEncoder(folder, threads))
      const { version, binding } = runtimeInfo()
      answer({ kind: 'opened', id, runtime: `onnxruntime ${version}, ${binding}, cpu, threads: ${threads}` }, [])
    } catch (error) {
      answer({ kind: 'failed', id, message: messageOf(error) }, [])
    }
  }
  const control = async ({ id, folder, query, features }: ControlQuestion): Promise<void> => {
    try {
      const controller = controllers.get(folder)
      if (!controller) throw new Error(`${folder}: expected a controller that was opened, got another folder`)
      answer({ kind: 'controlled', id, output: await controller.control(query, features) }, [])
    } catch (error) {
      answer({ kind: 'failed', id, message: messageOf(error) }, [])
    }
  }
  // A text that comes while its embedder is being opened waits for that.
  let opened: Promise<void> = Promise.resolve()
  return (message) => {
    if (message.kind === 'open' || message.kind === 'open-controller') opened = opened.then(() => open(message))
    else void opened.then(() => answerLater(message))
  }
  function answerLater(message: EmbedQuestion | ControlQuestion | { kind: 'cancel'; id: number }): void {
    if (message.kind === 'cancel') return queue.remove(message.id)
    if (message.kind === 'control') return void control(message)
    if (!embedders.has(message.folder)) {
      const text = `${message.folder}: expected an embedder that was opened, got another folder`
      return answer({ kind: 'failed', id: message.id, message: text }, [])
    }
    queue.add(message)
    void work()
  }
}

/** The embedder of a bundle; of one without, its classifier, whose logits are the vectors. */
async function openEncoder(folder: string, threads: number): Promise<Embedder> {
  const bundle = await loadBundle(folder)
  // A text comes now and then: threads that spin after it take ten times its processor time, and a core from the decoder.
  const options = { threads, spin: false }
  return bundle.manifest.embedder ? openEmbedder(bundle, options) : openLogits(bundle, options)
}

function joinVectors(vectors: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const width = vectors[0]!.length
  const joined = new Float32Array(vectors.length * width)
  for (const [row, vector] of vectors.entries()) joined.set(vector, row * width)
  return joined
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
