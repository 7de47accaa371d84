/** Runs ONNX bytes once on ONNX Runtime: name -> tensor in, name -> tensor out. */
import type { Port } from '../../exporter/onnx/graph.ts'
import { openGraph } from '../../runtime/open-graph.ts'
import { createTensor, type Tensor } from '../../runtime/tensor.ts'

/** Outputs by name; every output's shape must be known. */
export async function runOnnx(
  bytes: Uint8Array,
  inputs: Record<string, Tensor>,
  outputs: readonly Port[],
): Promise<Record<string, Tensor>> {
  const graph = await openGraph(bytes)
  const out = Object.fromEntries(outputs.map((p) => [p.name, createTensor(p.dtype, p.shape.map(Number))]))
  const binding = graph.bind(inputs, out)
  await binding.run()
  binding.release()
  graph.close()
  return out
}
