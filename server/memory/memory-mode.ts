/** What turns do with memories: read and write them, only read, or neither. */
export const MEMORY_MODES = ['on', 'read', 'off'] as const
export type MemoryMode = (typeof MEMORY_MODES)[number]
