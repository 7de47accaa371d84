/** The tensors of a Qwen3.5 with random numbers, by the names that transformers and llama.cpp have for them. */
import type { Random } from '../../../trainer/random.ts'

/** What is read of a config.json. */
export interface Qwen35 {
  readonly hidden_size: number
  readonly intermediate_size: number
  readonly num_hidden_layers: number
  readonly num_attention_heads: number
  readonly num_key_value_heads: number
  readonly head_dim: number
  readonly linear_num_key_heads: number
  readonly linear_num_value_heads: number
  readonly linear_key_head_dim: number
  readonly linear_value_head_dim: number
  readonly linear_conv_kernel_dim: number
  readonly full_attention_interval: number
  readonly vocab_size: number
  readonly max_position_embeddings: number
  readonly rms_norm_eps: number
  readonly rope_parameters: {
    readonly rope_theta: number
    readonly partial_rotary_factor: number
    readonly mrope_section: readonly number[]
  }
}

export interface RandomTensor {
  /** By transformers, in whose shape the numbers are. */
  readonly name: string
  readonly shape: readonly number[]
  /** By llama.cpp, and what it has in the place of each number: norms with their 1, decays as factors. */
  readonly gguf: string
  readonly ggufShape: readonly number[]
  readonly toGguf: (x: number) => number
  /** Pieces of the numbers, each of which bfloat16 has: the same whenever they are asked for. */
  numbers(): Iterable<Float32Array>
}

const PIECE = 1 << 20

export function qwen35Tensors(c: Qwen35, random: Random): RandomTensor[] {
  // Normal numbers are dear: every tensor gets pieces of one row of them.
  const pool = Float32Array.from({ length: 2 * PIECE }, () => random.normal())
  const list: RandomTensor[] = []
  const add = (name: string, gguf: string, shape: readonly number[], how: Partial<RandomTensor> & Draw = {}): void => {
    const { mean = 0, std = 0.02, ...rest } = how
    const first = random.int(PIECE)
    const count = shape.reduce((a, b) => a * b, 1)
    const numbers = function* (): Generator<Float32Array> {
      for (let at = 0; at < count; at += PIECE) yield drawn(pool, first, Math.min(PIECE, count - at), mean, std)
    }
    list.push({ name, gguf, shape, ggufShape: shape, toGguf: (x) => x, numbers, ...rest })
  }
  const norm = (name: string, gguf: string, size: number): void =>
    add(`${name}.weight`, `${gguf}.weight`, [size], { std: 0.1, toGguf: (x) => x + 1 })
  const matrix = (name: string, gguf: string, rows: number, columns: number): void =>
    add(`${name}.weight`, `${gguf}.weight`, [rows, columns], { std: 1 / Math.sqrt(columns) })

  /** What adds to the residual stream is small: else the rounding of what is multiplied decides about logits. */
  const projection = (name: string, gguf: string, rows: number, columns: number): void =>
    add(`${name}.weight`, `${gguf}.weight`, [rows, columns], {
      std: 0.25 / Math.sqrt(2 * c.num_hidden_layers * columns),
    })

  const width = c.hidden_size
  matrix('model.embed_tokens', 'token_embd', c.vocab_size, width)
  norm('model.norm', 'output_norm', width)
  for (let layer = 0; layer < c.num_hidden_layers; layer++) {
    const [to, from] = [`model.layers.${layer}`, `blk.${layer}`]
    norm(`${to}.input_layernorm`, `${from}.attn_norm`, width)
    norm(`${to}.post_attention_layernorm`, `${from}.post_attention_norm`, width)
    if ((layer + 1) % c.full_attention_interval === 0) attention(`${to}.self_attn`, from)
    else deltaNet(`${to}.linear_attn`, from)
    matrix(`${to}.mlp.gate_proj`, `${from}.ffn_gate`, c.intermediate_size, width)
    matrix(`${to}.mlp.up_proj`, `${from}.ffn_up`, c.intermediate_size, width)
    projection(`${to}.mlp.down_proj`, `${from}.ffn_down`, width, c.intermediate_size)
  }
  return list

  function attention(to: string, from: string): void {
    const [q, kv] = [c.num_attention_heads * c.head_dim, c.num_key_value_heads * c.head_dim]
    matrix(`${to}.q_proj`, `${from}.attn_q`, 2 * q, width)
    matrix(`${to}.k_proj`, `${from}.attn_k`, kv, width)
    matrix(`${to}.v_proj`, `${from}.attn_v`, kv, width)
    projection(`${to}.o_proj`, `${from}.attn_output`, width, q)
    norm(`${to}.q_norm`, `${from}.attn_q_norm`, c.head_dim)
    norm(`${to}.k_norm`, `${from}.attn_k_norm`, c.head_dim)
  }

  function deltaNet(to: string, from: string): void {
    const [heads, taps] = [c.linear_num_value_heads, c.linear_conv_kernel_dim]
    const [keys, values] = [heads * c.linear_key_head_dim, heads * c.linear_value_head_dim]
    const channels = 2 * keys + values
    matrix(`${to}.in_proj_qkv`, `${from}.attn_qkv`, channels, width)
    matrix(`${to}.in_proj_z`, `${from}.attn_gate`, values, width)
    matrix(`${to}.in_proj_a`, `${from}.ssm_alpha`, heads, width)
    matrix(`${to}.in_proj_b`, `${from}.ssm_beta`, heads, width)
    projection(`${to}.out_proj`, `${from}.ssm_out`, width, values)
    add(`${to}.A_log`, `${from}.ssm_a`, [heads], { std: 0.1, toGguf: (x) => -Math.exp(x) })
    add(`${to}.dt_bias`, `${from}.ssm_dt.bias`, [heads], { std: 0.1 })
    add(`${to}.conv1d.weight`, `${from}.ssm_conv1d.weight`, [channels, 1, taps], {
      std: 0.3,
      ggufShape: [channels, taps],
    })
    add(`${to}.norm.weight`, `${from}.ssm_norm.weight`, [c.linear_value_head_dim], { mean: 1, std: 0.1 })
  }
}

/** Numbers of the pool with another mean and deviation, without the bits that bfloat16 does not have. */
function drawn(pool: Float32Array, first: number, count: number, mean: number, std: number): Float32Array {
  const numbers = new Float32Array(count)
  const bits = new Uint32Array(numbers.buffer)
  for (let i = 0; i < count; i++) {
    numbers[i] = mean + std * pool[first + i]!
    bits[i]! &= 0xffff0000
  }
  return numbers
}

interface Draw {
  readonly mean?: number
  readonly std?: number
}
