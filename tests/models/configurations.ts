/** Small configurations of every architecture, and of every option that changes the graph: what the invariants run over. */
import { createModel } from '../../models/registry.ts'

const common = { vocab: 23, width: 16, heads: 2, hidden: 24 }
const memory = { ...common, window: 6, memoryHeads: 2, keys: 8, values: 4 }

const table: readonly (readonly [name: string, architecture: string, options: Record<string, unknown>])[] = [
  ['vanilla', 'vanilla', { ...common, layers: 2, window: 6 }],
  ['delta', 'delta', { ...memory, layers: 'ad' }],
  ['delta without decay', 'delta', { ...memory, layers: 'da', decay: 'none', betaMax: [1, 0.5] }],
  ['delta with a decay per channel', 'delta', { ...memory, layers: 'ad', decay: 'channel', betaMax: [2] }],
  ['delta without feed-forward layers', 'delta', { ...memory, layers: 'dd', hidden: 0 }],
]

export const configurations = table.map(([name, architecture, options]) => ({
  name,
  model: createModel(architecture, options),
}))
