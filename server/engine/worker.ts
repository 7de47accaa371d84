/** Entry of an engine thread: opens one bundle and answers messages. */
import { parentPort, workerData } from 'node:worker_threads'
import { loadBundle } from '../../runtime/bundle.ts'
import type { Device } from '../../runtime/device.ts'
import { openGraph, runtimeInfo } from '../../runtime/open-graph.ts'
import { openText } from '../../runtime/text.ts'
import { serveEngine } from './serve-engine.ts'
import { createOrtRunner } from './ort-runner.ts'

/** What the thread is started with. */
export interface EngineOptions {
  readonly bundle: string
  readonly threads: number
  readonly rows: number
  readonly device: Device
}

if (parentPort) {
  const { payload } = workerData as { payload: EngineOptions }
  await serveEngine(parentPort, async () => {
    const bundle = await loadBundle(payload.bundle)
    const { threads, device, rows } = payload
    const graph = await openGraph(bundle.path(bundle.manifest.graphs['decoder']?.file ?? 'decoder.onnx'), {
      threads,
      device,
    })
    const { version, binding, reason } = runtimeInfo()
    const runtime = `onnxruntime ${version}, ${binding}, ${device}${reason === undefined ? '' : ` (${reason})`}`
    return { runner: createOrtRunner(bundle, graph, rows), codec: openText(bundle.dir), runtime }
  })
}
