/**
 * The vocabulary in which every architecture is written. `T` is a reader's own tensor handle and has no shape, so a
 * model can neither read a dynamic size nor branch on a value. Readers: TF.js (eager), the tape that compiles a training
 * step, and the ONNX tracer. Letters: B batch, T time, D width, H heads, N rows, K keys, V values.
 */

/** What every reader has to provide: each with a derivative rule, a TF.js and an ONNX Runtime kernel. */
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
  /** To the nearest whole number, ties to even; no derivative flows. */
  round(x: T): T
  /** (..., M, K) x (..., K, N) -> (..., M, N); the right side may have fewer leading axes. */
  matmul(a: T, b: T): T
  sum(x: T, axis: number, keepDims?: boolean): T
  mean(x: T, axis: number, keepDims?: boolean): T
  max(x: T, axis: number, keepDims?: boolean): T
  /** Along the last axis. */
  softmax(x: T): T
  /** Inclusive running sum. */
  cumsum(x: T, axis: number): T
  /** Rows of a (V, D) table at int32 ids of any shape. */
  gather(table: T, ids: T): T
  /** int32 ids -> float32 with one more axis of size `depth`. */
  oneHot(ids: T, depth: number): T
  /** int32 indices of the k largest along the last axis, largest first. */
  topk(x: T, k: number): T
  concat(xs: readonly T[], axis: number): T
  split(x: T, sizes: readonly number[], axis: number): T[]
  transpose(x: T, perm: readonly number[]): T
  /** 0 keeps the dimension at that position, -1 infers one: the only way to name a dynamic size. */
  reshape(x: T, shape: readonly number[]): T
  /** Negative bounds count from the end; without `end`, to the end. */
  slice(x: T, axis: number, start: number, end?: number): T
  /** 0, 1, 2 ... along `axis` of x, float32, shape [size of that axis]. */
  iota(x: T, axis: number): T
  /** a < b, a boolean tensor for `both` and `where`. */
  less(a: T, b: T): T
  both(a: T, b: T): T
  where(condition: T, a: T, b: T): T
  /** x, through which no derivative flows. */
  detach(x: T): T
  /** The loop over time: `carry` keeps its shapes; the `y` of each step are stacked along `axis`. */
  scan(step: (carry: T[], x: T[]) => { carry: T[]; y: T[] }, carry: T[], xs: T[], axis: number): Scanned<T>
  /**
   * The loop over pieces of time (axis 1). Each piece is as long as the fullest row still has room, `room(carry)` (B)
   * float32, at most what is left; each `y` (B, time, ...outputs[i]) is joined along axis 1. A reader with known sizes
   * starts with `room` = `length` and needs T to be a multiple of it.
   */
  segment(
    step: (carry: T[], x: T[]) => { carry: T[]; y: T[] },
    carry: T[],
    xs: T[],
    piece: { readonly length: number; readonly outputs: readonly (readonly number[])[]; room(carry: T[]): T },
  ): Scanned<T>
}

export interface Scanned<T> {
  carry: T[]
  ys: T[]
}

/** Written once in primitives (composites.ts); a reader may replace one by a faster form that a test holds equal. */
export interface Composites<T> {
  /** x (..., D) / rms(x) * weight (D) (Zhang & Sennrich 2019). */
  rmsNorm(x: T, weight: T, eps: number): T
  /** (x - mean) / std * weight + bias, all (D) (Ba et al. 2016). */
  layerNorm(x: T, weight: T, bias: T, eps: number): T
  /** x sigmoid(x). */
  silu(x: T): T
  /** x / |x| along the last axis. */
  unit(x: T): T
  /**
   * Depthwise causal convolution of `size` taps, and SiLU. x (B,T,C), weight (size,C), bias (C), past (B,C,size-1) ->
   * y (B,T,C), past.
   */
  causalConv(x: { x: T; weight: T; bias?: T; past: T; size: number }): { y: T; past: T }
  /**
   * Gated delta rule (Yang et al. 2024, arXiv 2412.06464): S <- Diag(e^g) S; S <- S + beta k (v - k'S)'; y = q'S.
   * q k (B,T,H,K), v (B,T,H,V), g (B,T,H,1) or (B,T,H,K) log decay <= 0, beta (B,T,H,1), memory (B,H,K,V).
   */
  gatedDelta(x: GatedDelta<T>): { y: T; memory: T }
  /**
   * Mamba's selective scan (Gu & Dao 2023, arXiv 2312.00752): h <- e^(step rate) h + step x b'; y = h c.
   * x step (B,T,E), rate (E,N) < 0, b c (B,T,N), memory h (B,E,N) -> y (B,T,E).
   */
  selectiveScan(x: SelectiveScan<T>): { y: T; memory: T }
  /**
   * Softmax attention over the last `window` tokens, the token itself included.
   * q (B,H,T,C), k v (B,H,T,C), past.k past.v (B,H,W,C) un-rotated, filled (B,1) how many past slots hold a token.
   */
  windowAttention(x: WindowAttention<T>): { y: T; k: T; v: T }
  /** Rotary position embedding (Su et al. 2021, arXiv 2104.09864) of x (..., S, C) at `positions` (S, 1), times a scale. */
  rotate(x: T, positions: T, how: Rotation): T
  /** x, or in training x with a share `rate` of its elements zeroed and the rest scaled by 1 / (1 - rate). */
  dropout(x: T, rate: number): T
  /** x. A reader that observes a model gets it under `name`; to all others it is nothing. */
  watch(x: T, name: string): T
  /** x after layer `index` of the model: where an adapter adds what it has. */
  layer(x: T, index: number): T
  /**
   * `make()`, tensors of `shapes` that depend on parameters alone. A reader that knows the parameters may compute them
   * once, by their `name`.
   */
  prepare(name: string, shapes: readonly (readonly number[])[], make: () => T[]): T[]
  /**
   * Each row of x (N,D) rounded to whole multiples of its largest magnitude / (2^(bits-1) - 1); the derivative is that
   * of x (straight through, Bengio et al. 2013, arXiv 1308.3432).
   */
  quantised(x: T, bits: 4 | 8): T
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
  readonly step: T
  readonly rate: T
  readonly b: T
  readonly c: T
  readonly memory: T
  /** E. */
  readonly channels: number
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
  /** Keys and values (B,H,N,C) without a position that every token sees, whatever has left the window. */
  readonly always?: { readonly k: T; readonly v: T }
}

export interface Rotation {
  readonly channels: number
  /** Base of the embedding, or null for none. */
  readonly rope: number | null
  readonly scale: number
}

export type Ops<T> = Primitives<T> & Composites<T>
