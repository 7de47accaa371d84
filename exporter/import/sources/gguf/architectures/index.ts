/** The architectures of GGUF files that can be imported, by general.architecture. */
import { SourceError } from '../../contract.ts'
import type { Architecture } from '../fields.ts'
import type { GgufModel } from '../model.ts'
import { falconH1 } from './falcon-h1.ts'
import { gemma3 } from './gemma3.ts'
import { gemma4 } from './gemma4.ts'
import { gptOss } from './gpt-oss.ts'
import { gpt2 } from './gpt2.ts'
import { graniteHybrid } from './granite-hybrid.ts'
import { kimiLinear } from './kimi-linear.ts'
import { lfm2 } from './lfm2.ts'
import { granite, llama, qwen2, qwen3, smollm3 } from './llama.ts'
import { mamba, mamba2 } from './mamba.ts'
import { nemotronH } from './nemotron-h.ts'
import { qwen35, qwen35Moe, qwen3Next } from './qwen3-5.ts'
import { qwen3Moe } from './qwen3-moe.ts'

const architectures: Readonly<Record<string, Architecture>> = {
  llama,
  smollm3,
  qwen2,
  qwen3,
  qwen3moe: qwen3Moe,
  qwen3next: qwen3Next,
  qwen35,
  qwen35moe: qwen35Moe,
  gemma3,
  gemma4,
  granite,
  granitehybrid: graniteHybrid,
  'falcon-h1': falconH1,
  lfm2,
  mamba,
  mamba2,
  nemotron_h: nemotronH,
  nemotron_h_moe: nemotronH,
  'kimi-linear': kimiLinear,
  gpt2,
  'gpt-oss': gptOss,
}

/** Maps the tensors of a file to published ones, and returns the published configuration. Throws SourceError. */
export async function publish(model: GgufModel): Promise<Record<string, unknown>> {
  const architecture = architectures[model.architecture]
  if (!architecture)
    throw new SourceError(
      `${model.file.path}: has the architecture ${model.architecture}; known: ${Object.keys(architectures).join(', ')}`,
    )
  const config = await architecture(model)
  model.checkAllUsed()
  return config
}
