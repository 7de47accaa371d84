/** A published model cannot be imported: where, what was expected and what was found. */
export class ImportError extends Error {
  override name = 'ImportError' as const
}
