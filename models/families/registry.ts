/** The published families by the `model_type` of their configurations. */
import type { Architecture } from '../architecture.ts'
import type { EncoderArchitecture } from '../encoder.ts'
import { bert } from './bert.ts'
import { debertaV2 } from './deberta-v2.ts'
import { gpt_oss, qwen3_moe } from './experts.ts'
import { gemma3 } from './gemma3.ts'
import { gemma4 } from './gemma4.ts'
import { gpt2 } from './gpt2.ts'
import { kimi_linear } from './kimi-linear.ts'
import { lfm2, lfm3 } from './lfm.ts'
import { falcon_h1, granitemoehybrid, nemotron_h } from './mamba-hybrids.ts'
import { mamba, mamba2 } from './mamba.ts'
import { modernbert } from './modernbert.ts'
import { olmo_hybrid } from './olmo-hybrid.ts'
import { qwen3_5, qwen3_5_moe, qwen3_next } from './qwen3-next.ts'
import { rwkv } from './rwkv.ts'
import { llama, ministral3, mistral, qwen2, qwen3, smollm3 } from './transformer.ts'

export const families: ReadonlyMap<string, Architecture> = new Map(
  [
    llama,
    mistral,
    ministral3,
    qwen2,
    qwen3,
    smollm3,
    qwen3_moe,
    gpt_oss,
    gemma3,
    gemma4,
    gpt2,
    qwen3_5,
    qwen3_5_moe,
    qwen3_next,
    kimi_linear,
    olmo_hybrid,
    granitemoehybrid,
    falcon_h1,
    nemotron_h,
    lfm2,
    lfm3,
    mamba,
    mamba2,
    rwkv,
  ].map((family) => [family.name, family]),
)

/** Encoders of text, likewise. */
export const encoders: ReadonlyMap<string, EncoderArchitecture> = new Map(
  [bert, modernbert, debertaV2].map((encoder) => [encoder.name, encoder]),
)
