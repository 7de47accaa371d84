/**
 * The operations in which every architecture is written. `T` is the tensor handle of a backend and has no shape, so a
 * model can neither read a dynamic size nor branch on a value. Backends: TF.js (eager), the tape that compiles a
 * training step, and the ONNX tracer. Letters: B batch, T time, D width, H heads, N rows, K keys, V values.
 */

/** What every backend has to provide. Each primitive has a derivative rule, a TF.js and an ONNX Runtime kernel. */
export interface Primitives<T> {
  constant(value: number): T
  /** A constant tensor, row-major. */
  table(values: readonly number[], shape: readonly number[]): T
  add(a: T, b: T): T
  sub(a: T, b: T): T
  mul(a: T, b: T): T
  div(a: T, b: T): T
  maximum(a: T, b: T): T
  minimum(a: T, b: T): T
  neg(x: T): T
  exp(x: T): T
  log(x: T): T
  sqrt(x: T): T
  sin(x: T): T
  cos(x: T): T
  tanh(x: T): T
  sigmoid(x: T): T
  softplus(x: T): T
  /** Exact GELU, x/2 (1 + erf(x / sqrt 2)) (Hendrycks & Gimpel 2016). */
  gelu(x: T): T
  /** Rounds to the nearest integer, ties to even. Its derivative is zero. */
  round(x: T): T
  /** (..., M, K) x (..., K, N) -> (..., M, N); the right side may have fewer leading axes. */
  matmul(a: T, b: T): T
  sum(x: T, axis: number, keepDims?: boolean): T
  mean(x: T, axis: number, keepDims?: boolean): T
  max(x: T, axis: number, keepDims?: boolean): T
  /** Along the last axis. */
  softmax(x: T): T
  /** Inclusive cumulative sum. */
  cumsum(x: T, axis: number): T
  /** Whole numbers as int32, for `gather`. No derivative. */
  int32(x: T): T
  /** Rows of a (V, D) table at int32 ids of any shape. */
  gather(table: T, ids: T): T
  /** int32 ids -> float32 with one more axis of size `depth`. */
  oneHot(ids: T, depth: number): T
  /** int32 indices of the k largest along the last axis, largest first. */
  topk(x: T, k: number): T
  concat(xs: readonly T[], axis: number): T
  split(x: T, sizes: readonly number[], axis: number): T[]
  transpose(x: T, perm: readonly number[]): T
  /** 0 keeps the dimension at that position, -1 infers one. There is no other way to name a dynamic size. */
  reshape(x: T, shape: readonly number[]): T
  /** Negative bounds count from the end; without `end` the slice reaches to the end. */
  slice(x: T, axis: number, start: number, end?: number): T
  /** 0, 1, 2 ... along `axis` of x, float32, shape [size of that axis]. */
  iota(x: T, axis: number): T
  /** a < b: a boolean tensor for `and` and `where`. */
  less(a: T, b: T): T
  and(a: T, b: T): T
  where(condition: T, a: T, b: T): T
  /** x as a constant: no derivative flows through it (PyTorch's `detach`). */
  detach(x: T): T
  /** A loop over `axis` of xs. `carry` keeps its shapes; the `y` of all steps are stacked along `axis`. */
  scan(step: (carry: T[], x: T[]) => { carry: T[]; y: T[] }, carry: T[], xs: T[], axis: number): Scanned<T>
  /**
   * A loop over time (axis 1) in chunks. A step gets as many tokens as the chunk of the fullest row still has room for,
   * the minimum of `room(carry)` (B) float32, and at most the tokens that are left. Each `y` (B, time, ...outputs[i])
   * is concatenated along axis 1. The tape takes the first chunk to be empty: chunks of `length`, a shorter one last.
   */
  chunkedScan(
    step: (carry: T[], x: T[]) => { carry: T[]; y: T[] },
    carry: T[],
    xs: T[],
    chunk: {
      readonly length: number
      readonly outputs: readonly (readonly number[])[]
      /** The step runs the layers of the model: it calls `layerHook`. */
      readonly layers?: boolean
      room(carry: T[]): T
    },
  ): Scanned<T>
}

export interface Scanned<T> {
  carry: T[]
  ys: T[]
}

/** Written once in primitives (composites.ts). A backend may override one with a faster form; tests hold both equal. */
export interface Composites<T> {
  /** x (..., D) / rms(x) * weight (D) (Zhang & Sennrich 2019). */
  rmsNorm(x: T, weight: T, eps: number): T
  /** (x - mean) / std * weight + bias, all (D) (Ba et al. 2016). */
  layerNorm(x: T, weight: T, bias: T, eps: number): T
  /** x sigmoid(x) (Hendrycks & Gimpel 2016). */
  silu(x: T): T
  /** Zeros of the shape of x. */
  zerosLike(x: T): T
  /** x / |x| along the last axis. */
  l2Normalize(x: T): T
  /**
   * Depthwise causal convolution of `size` taps, and SiLU unless there is to be none. x (B,T,C), weight (size,C), bias
   * (C), past (B,C,size-1) -> y (B,T,C), past.
   */
  causalConv(x: CausalConv<T>): { y: T; past: T }
  /** x (..., K) times the transpose of a weight (N,K), plus a bias (N): PyTorch's Linear. */
  linear(x: T, weight: T, bias?: T): T
  /** Several of these of one x, which a backend may compute as one product. */
  linears(x: T, parts: readonly LinearPart<T>[]): T[]
  /**
   * Softmax attention over all tokens so far, or the last `window`, with grouped queries (Ainslie et al. 2023, arXiv
   * 2305.13245). q (B,T,H*C), k v (B,T,G*C) after rotation, past.k past.v (B,G,P,C) -> y (B,T,H*C), k and v.
   * Of the P past positions the last `filled` (B,1) hold tokens; the result has the new tokens behind them.
   */
  cachedAttention(x: CachedAttention<T>): { y: T; k: T; v: T }
  /**
   * The same over keys and values that another layer has written in this pass (Brandon et al. 2024, arXiv 2405.12981):
   * k v (B,G,P+T,C) as `cachedAttention` returned them, in which the new tokens of q (B,T,H*C) are -> y (B,T,H*C).
   */
  sharedAttention(x: SharedAttention<T>): T
  /**
   * Rotary position embedding (Su et al. 2021) of the first R channels of each head: x (B,T,H*C), cos and sin (B,T,R/2)
   * of the angles. A channel's partner is R/2 further on.
   */
  rotary(x: T, how: RotaryTable<T> & { readonly heads: number; readonly channels: number }): T
  /**
   * Linear attention with a decay for each head (Mamba-2, Dao & Gu 2024, arXiv 2405.21060): S <- e^g S + k v'; y = q'S.
   * q k (B,T,H,K), v (B,T,H,V), g (B,T,H,1) log decay <= 0, memory (B,H,K,V).
   */
  gatedAttention(x: GatedAttention<T>): { y: T; memory: T }
  /**
   * Gated delta rule (Yang et al. 2024, arXiv 2412.06464): S <- Diag(e^g) S; S <- S + beta k (v - k'S)'; y = q'S.
   * q k (B,T,H,K), v (B,T,H,V), g (B,T,H,1) or (B,T,H,K) log decay <= 0, beta (B,T,H,1), memory (B,H,K,V).
   */
  gatedDelta(x: GatedDelta<T>): { y: T; memory: T }
  /**
   * Mamba's selective scan (Gu & Dao 2023, arXiv 2312.00752): h <- e^(dt A) h + dt x B'; y = h C.
   * x dt (B,T,E), A (E,N) < 0, B C (B,T,N), memory h (B,E,N) -> y (B,T,E).
   */
  selectiveScan(x: SelectiveScan<T>): { y: T; memory: T }
  /** A mixture of experts (Shazeer et al. 2017, arXiv 1701.06538): each token's chosen ones, weighted and added. */
  mixtureOfExperts(x: MixtureOfExperts<T>): T
  /**
   * Softmax attention over the last `window` tokens, the token itself included.
   * q k v (B,H,T,C), past.k past.v (B,H,W,C) before rotation, filled (B,1): how many past slots hold a token.
   */
  windowAttention(x: WindowAttention<T>): { y: T; k: T; v: T }
  /** Rotary position embedding (Su et al. 2021, arXiv 2104.09864) of x (..., S, C) at `positions` (S, 1), times a scale. */
  rotate(x: T, positions: T, how: Rotation): T
  /** x; in training a share `rate` of its elements is zeroed and the rest is scaled by 1 / (1 - rate). */
  dropout(x: T, rate: number): T
  /** x. A backend that observes activations records it under `name`; for the others it is the identity. */
  tap(x: T, name: string): T
  /** Adds a scalar, already weighted, to what training minimises; in a loop, its mean over the steps. */
  addLoss(loss: T): void
  /** x after layer `index` of the model. An adapter overrides this hook to add its own layers. */
  layerHook(x: T, index: number): T
  /**
   * `make()`: tensors of `shapes` that depend on parameters alone. The exporter computes them once, under `name`
   * (constant folding); the other backends compute them where they are.
   */
  precompute(name: string, shapes: readonly (readonly number[])[], make: () => T[]): T[]
  /**
   * Each row of x (N,D) rounded to whole multiples of its largest magnitude / (2^(bits-1) - 1). The derivative is that
   * of x (straight-through estimator, Bengio et al. 2013, arXiv 1308.3432).
   */
  quantised(x: T, bits: 4 | 8): T
}

export interface CausalConv<T> {
  readonly x: T
  readonly weight: T
  readonly bias?: T | undefined
  readonly past: T
  readonly size: number
  /** Default silu. */
  readonly activation?: 'silu' | 'none'
}

export interface LinearPart<T> {
  /** (size, K) */
  readonly weight: T
  readonly bias?: T
  readonly size: number
}

/** Queries of new tokens, and how they look at keys and values. */
export interface SharedAttention<T> {
  readonly q: T
  readonly k: T
  readonly v: T
  readonly filled: T
  /** H. */
  readonly heads: number
  /** G, which divides H. */
  readonly kvHeads: number
  /** C. */
  readonly channels: number
  /** Multiplied with the scores. */
  readonly scale: number
  /** Tokens that are seen, the token itself included; all of them without. */
  readonly window?: number | undefined
  /** Scores are bent to softcap tanh(score / softcap) (Gemma 2). */
  readonly softcap?: number | undefined
  /** (H): logits of a token without value that every token attends to (gpt-oss). */
  readonly sinks?: T | undefined
}

export interface CachedAttention<T> extends SharedAttention<T> {
  readonly past: { readonly k: T; readonly v: T }
}

export interface RotaryTable<T> {
  readonly cos: T
  readonly sin: T
  /** R. */
  readonly rotated: number
  /** What the angles are made of: radians that each pair turns in a position, and what cos and sin are multiplied with. */
  readonly frequencies: readonly number[]
  readonly scale: number
}

export interface GatedAttention<T> {
  readonly q: T
  readonly k: T
  readonly v: T
  readonly g: T
  readonly memory: T
  readonly heads: number
  readonly keys: number
  readonly values: number
}

export interface GatedDelta<T> {
  readonly q: T
  readonly k: T
  readonly v: T
  readonly g: T
  readonly beta: T
  readonly memory: T
  readonly heads: number
  readonly keys: number
  readonly values: number
  readonly decay: 'head' | 'channel'
}

export interface SelectiveScan<T> {
  readonly x: T
  readonly dt: T
  readonly A: T
  readonly B: T
  readonly C: T
  readonly memory: T
  /** E. */
  readonly channels: number
}

export interface MixtureOfExperts<T> {
  /** (B,T,D) */
  readonly x: T
  /** (B,T,E): what each expert counts for each token, 0 for those that are not chosen. */
  readonly share: T
  /** (B,T,E): 1 for the `top` experts that are chosen for each token, 0 for the others. */
  readonly chosen: T
  /** A parameter (E,R,D); the expert's first product has R rows. */
  readonly up: T
  /** (E,R) */
  readonly upBias?: T | undefined
  /** A parameter (E,D,I). */
  readonly down: T
  /** (E,D) */
  readonly downBias?: T | undefined
  /** E. */
  readonly experts: number
  /** k. */
  readonly top: number
  /** D. */
  readonly width: number
  /** R. */
  readonly rows: number
  /** I. */
  readonly hidden: number
  /** What comes between the products, along the last axis: (...,R) -> (...,I). */
  activate(inner: T): T
}

export interface WindowAttention<T> {
  readonly q: T
  readonly k: T
  readonly v: T
  readonly past: { readonly k: T; readonly v: T }
  readonly filled: T
  readonly window: number
  readonly channels: number
  /** Base of the rotary position embedding (Su et al. 2021), or null for none. */
  readonly rope: number | null
  /** Keys and values (B,H,N,C) without a position that every token attends to, beside the window. */
  readonly always?: { readonly k: T; readonly v: T }
}

export interface Rotation {
  readonly channels: number
  /** Base of the embedding, or null for none. */
  readonly rope: number | null
  readonly scale: number
}

export type Ops<T> = Primitives<T> & Composites<T>
