import { loadBundle } from '/work/main/runtime/bundle.ts'
import { openGraph } from '/work/main/runtime/open-graph.ts'
import { createOrtRunner } from '/work/main/server/engine/ort-runner.ts'
const folder = process.argv[2]!, threads = Number(process.argv[3] ?? 1), n = Number(process.argv[4] ?? 40)
const bundle = await loadBundle(folder)
const t0 = performance.now()
const graph = await openGraph(bundle.path('decoder.onnx'), { threads })
const runner = createOrtRunner(bundle, graph, 4)
console.log('opened', (performance.now() - t0).toFixed(0), 'ms')
const med = (xs: number[]) => xs.toSorted((a, b) => a - b)[xs.length >> 1]!
const cpu = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000 }
const row = runner.open('decode', null, 0)
const wall: number[] = [], used: number[] = []
for (let i = 0; i < n; i++) {
  const c = cpu(), w = performance.now()
  await runner.step([{ row, ids: [(i * 7919) % 40000], logits: 'last' }])
  wall.push(performance.now() - w); used.push(cpu() - c)
}
console.log('decode ms: wall', med(wall).toFixed(2), 'cpu', med(used).toFixed(2), 'least', Math.min(...wall).toFixed(2))
const slot = runner.open('prefill', null, 0)
const pw: number[] = []
for (let i = 0; i < 4; i++) {
  const c = cpu(), w = performance.now()
  await runner.step([{ row: slot, ids: Array.from({ length: runner.prefillChunk }, (_, j) => (i * 128 + j) * 31 % 40000), logits: 'last' }])
  pw.push(performance.now() - w); console.log(`prefill ${runner.prefillChunk} cpu`, (cpu() - c).toFixed(1))
}
console.log('prefill tok/s least', (runner.prefillChunk / Math.min(...pw) * 1000).toFixed(0))
runner.close()
