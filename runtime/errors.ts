/** ONNX Runtime, or a check before it, refused: the message says where, what was expected and what it got. */
export class RuntimeError extends Error {
  override name = 'RuntimeError' as const
}
