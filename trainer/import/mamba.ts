/** Mamba-1 as it is published (state-spaces/mamba-130m and its larger siblings): the state-space model of `smt`. */
import type { Published, Rule } from './published.ts'

const mixer = (from: string, to: string, as?: Rule['as']): Rule => ({
  from: `layers.#.mixer.${from}`,
  to: `ssm.layers.#.mixer.${to}`,
  ...(as ? { as } : {}),
})

/** Published matrices are (out, in). Embedding and head are not imported: the Transformer has its own. */
export const mamba: Published = {
  name: 'Mamba',
  prefixes: ['backbone.', ''],
  rules: [
    { from: 'layers.#.norm.weight', to: 'ssm.layers.#.mixerNorm' },
    mixer('in_proj.weight', 'inProj', 'transpose'),
    mixer('conv1d.weight', 'conv', 'taps'),
    mixer('conv1d.bias', 'convBias'),
    mixer('x_proj.weight', 'xProj', 'transpose'),
    mixer('dt_proj.weight', 'dtProj', 'transpose'),
    mixer('dt_proj.bias', 'dtBias'),
    mixer('A_log', 'ALog'),
    mixer('D', 'D'),
    mixer('out_proj.weight', 'outProj', 'transpose'),
    { from: 'norm_f.weight', to: 'ssm.norm' },
  ],
}
