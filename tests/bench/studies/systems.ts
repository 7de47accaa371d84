/**
 * Every system at the size of the tasks: width 64, as many parameters each as RSM's two layers have (143,000 and the
 * embedding), the delta memory, which has no feed-forward layers here, half of that. Windows and chunks of attention are 64 tokens everywhere, so what lies further back a memory must tell.
 */
export interface System {
  readonly name: string
  readonly model: Readonly<Record<string, unknown>>
}

/** The same for all tasks; the vocabulary is the task's. */
export const systems: readonly System[] = [
  { name: 'delta', model: { layers: 'dd', hidden: 0, memoryHeads: 2, keys: 64, values: 64, decay: 'none' } },
  { name: 'vanilla', model: { layers: 2, heads: 4, window: 64, hidden: 286 } },
  { name: 'rsm', model: { layers: 2, heads: 4, slots: 32, chunk: 64, expansion: 1 } },
  {
    name: 'smt',
    model: {
      layers: 2,
      heads: 4,
      expansion: 2,
      mode: 'sliding',
      outputs: 16,
      tokens: 64,
      stride: 16,
      keys: 82,
      ssmLayers: 1,
    },
  },
  {
    name: 'moc',
    model: { layers: 2, heads: 4, window: 64, hidden: 178, rows: 128, placement: 'all', chapters: 4, topChapters: 2 },
  },
  { name: 'nmt', model: { layers: 2, heads: 4, window: 64, hidden: 177, memoryWidth: 32, expansion: 2, chunk: 32 } },
  { name: 'hmst', model: { layers: 2, heads: 4, window: 64, hidden: 211, experts: 2, topExperts: 1 } },
].map(({ name, model }) => ({ name, model: { width: 64, ...model } }))
