/** The errors of this folder: one class for each boundary, with messages that say where, what was expected and what came. */

/** ONNX Runtime, or a check before it, refused. */
export class RuntimeError extends Error {
  override name = 'RuntimeError' as const
}

/** A tokenizer or chat template cannot be used, or not for these messages. */
export class TextError extends Error {
  override name = 'TextError' as const
}
