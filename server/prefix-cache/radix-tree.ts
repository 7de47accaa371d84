/** A map from token sequences to values, in which the longest sequence that begins a given one is found in one walk. */

interface TreeNode<V> {
  /** Tokens on the way from the parent. */
  edge: Int32Array
  parent: TreeNode<V> | null
  /** By the first token of their edges. */
  readonly children: Map<number, TreeNode<V>>
  entry: Entry<V> | null
}

/** A value and where it is kept. */
export interface Entry<V> {
  readonly value: V
  /** Tokens of its sequence. */
  readonly length: number
}

export class RadixTree<V> {
  readonly #root: TreeNode<V> = { edge: new Int32Array(0), parent: null, children: new Map(), entry: null }
  readonly #nodes = new WeakMap<Entry<V>, TreeNode<V>>()

  get empty(): boolean {
    return this.#root.children.size === 0 && this.#root.entry === null
  }

  /** The entry of the longest sequence of at most `most` tokens that `tokens` begins with. Costs O(tokens). */
  longest(tokens: readonly number[], most: number): Entry<V> | null {
    let best: Entry<V> | null = null
    let node: TreeNode<V> | undefined = this.#root
    for (let at = 0; node && at <= most;) {
      best = node.entry ?? best
      const next: TreeNode<V> | undefined = node.children.get(tokens[at] ?? -1)
      const matches: boolean = next !== undefined && matchOf(next.edge, tokens, at) === next.edge.length
      at += next?.edge.length ?? 0
      node = matches ? next : undefined
    }
    return best
  }

  /** The entry of exactly these tokens. */
  get(tokens: readonly number[]): Entry<V> | null {
    const found = this.longest(tokens, tokens.length)
    return found?.length === tokens.length ? found : null
  }

  /** Sets the value of `tokens`, which has none yet. */
  add(tokens: readonly number[], value: V): Entry<V> {
    const node = this.#nodeAt(tokens)
    const entry = { value, length: tokens.length }
    node.entry = entry
    this.#nodes.set(entry, node)
    return entry
  }

  /** Removes an entry, and what only led to it. */
  remove(entry: Entry<V>): void {
    const node = this.#nodes.get(entry)
    if (!node) return
    this.#nodes.delete(entry)
    node.entry = null
    for (let at: TreeNode<V> | null = node; at?.parent && !at.entry && at.children.size === 0;) {
      const { parent, edge }: TreeNode<V> = at
      parent?.children.delete(edge[0] as number)
      at = parent
    }
  }

  /** The node of these tokens, made where there is none; an edge that they leave in the middle is split. */
  #nodeAt(tokens: readonly number[]): TreeNode<V> {
    let node = this.#root
    for (let at = 0; at < tokens.length;) {
      const next = node.children.get(tokens[at] as number)
      if (!next) return attach(node, Int32Array.from(tokens.slice(at)))
      const length = matchOf(next.edge, tokens, at)
      node = length === next.edge.length ? next : split(next, length)
      at += length
    }
    return node
  }
}

/** How many tokens of `edge` are those of `tokens` from `at` on. */
function matchOf(edge: Int32Array, tokens: readonly number[], at: number): number {
  let length = 0
  while (length < edge.length && edge[length] === tokens[at + length]) length++
  return length
}

function attach<V>(parent: TreeNode<V>, edge: Int32Array): TreeNode<V> {
  const node: TreeNode<V> = { edge, parent, children: new Map(), entry: null }
  parent.children.set(edge[0] as number, node)
  return node
}

/** Puts a node into the edge of `node`, after `length` tokens. */
function split<V>(node: TreeNode<V>, length: number): TreeNode<V> {
  const { parent, edge } = node
  const middle = attach(parent as TreeNode<V>, edge.slice(0, length))
  node.edge = edge.slice(length)
  node.parent = middle
  middle.children.set(node.edge[0] as number, node)
  return middle
}
