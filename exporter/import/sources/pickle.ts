/** Pickle files: Python objects whose loading runs code of their author. They are refused, never read. */

/** Whether a file name is that of a pickled model, as PyTorch writes them. */
export function isPickle(name: string): boolean {
  return /\.(?:bin|pt|pth|ckpt|pkl|pickle)$/.test(name)
}

/** Why such a file is refused, to be said after its name. */
export const PICKLE_REASON = 'is a pickle file, which could run code of its author when it is loaded'
