/**
 * Early exits in depth (LayerSkip, Elhoushi et al. 2024, arXiv 2404.16710), an option of every architecture: after some of
 * its layers, a norm of its own and the model's own head say the next token. Training adds the loss of these exits, and
 * leaves out layers at random, the later ones more often.
 */
import { ConfigError, configure, type Field, flag, type Options, real, requires } from './config.ts'
import type { Model } from './model.ts'
import type { Ops } from './ops.ts'
import { fill, type SpecTree, vector } from './spec.ts'

/** The option of an architecture. */
export const exitsOption: Field<Options> = {
  default: {},
  help: 'early exits: layers (after how many), weight, dropout, frozen; without layers there are none',
}

const fields = {
  layers: {
    default: [] as readonly number[],
    help: 'after how many layers there is an exit',
    min: 1,
    integer: true,
  },
  weight: real(0.3, 'weight of the losses of all exits together; an exit counts by its depth', 0, 10),
  dropout: real(0, 'how often the last layer is left out in training; the first one never is', 0, 0.9),
  frozen: flag(false, 'the model keeps its weights: only the norms of the exits learn'),
}

const EPS = 1e-5

interface ExitParams {
  readonly exits: readonly { readonly norm: unknown }[]
}

/** The model with the exits that `options` ask for; the model itself where they name no layers. Throws ConfigError. */
export function withExits(base: Model, options: Options): Model {
  if (options['layers'] === undefined) {
    requires(Object.keys(options).length === 0, `${base.architecture}.exits.layers: expected layers, got none`)
    return base
  }
  const c = configure(`${base.architecture}.exits`, fields, options)
  const layers = [...c.layers].toSorted((a, b) => a - b)
  check(base, layers)
  const depths = layers.reduce((sum, layer) => sum + layer, 0)
  const own = c.frozen ? fill(base.params, (_, spec) => ({ ...spec, frozen: true })) : base.params
  const hidden = <T>(op: Ops<T>, params: unknown, index: number, x: T): T =>
    op.rmsNorm(x, (params as ExitParams).exits[index]!.norm as T, EPS)
  return {
    ...base,
    config: { ...base.config, exits: { ...c, layers } },
    params: { ...(own as Record<string, SpecTree>), exits: layers.map(() => ({ norm: vector([base.width], 1) })) },
    exits: {
      layers,
      weights: layers.map((layer) => (c.weight * layer) / depths),
      hidden,
      forward(op, params, ids, state) {
        const kept = keepLayers(op, layers, base.width, c.dropout === 0 ? [] : dropRates(base.layers, c.dropout))
        const done = base.forward(kept.op, params, ids, state)
        return { ...done, exits: kept.outputs().map((x, index) => hidden(op, params, index, x)) }
      },
    },
  }
}

function check({ architecture, layers: count }: Model, layers: readonly number[]): void {
  if (count < 2)
    throw new ConfigError(`${architecture}.exits: expected at least 2 layers to leave between, this model has ${count}`)
  const bad = layers.find((layer, at) => layer >= count || layers.indexOf(layer) !== at)
  requires(
    bad === undefined,
    `${architecture}.exits.layers: expected different numbers from 1 to ${count - 1} (the last of ${count} layers is no exit), got ${bad}`,
  )
}

/** How often each layer is left out: exponentially more often with depth, as in LayerSkip, from 0 to `last`. */
function dropRates(layers: number, last: number): number[] {
  return Array.from({ length: layers }, (_, i) => last * (2 ** (i / (layers - 1)) - 1))
}

/**
 * The operations with which a model's own pass keeps what comes out of the layers that `wanted` counts, and leaves out
 * layers in training. What is kept inside the loop over chunks comes out of it as the loop's own outputs do.
 */
function keepLayers<T>(op: Ops<T>, wanted: readonly number[], width: number, rates: readonly number[]) {
  let kept: T[] = []
  let before: T | undefined
  const layerHook = (x: T, index: number): T => {
    const after =
      before === undefined ? op.layerHook(x, index) : leftOut(op, before, op.layerHook(x, index), rates[index])
    before = after
    if (wanted.includes(index + 1)) kept.push(after)
    return after
  }
  const chunkedScan: Ops<T>['chunkedScan'] = (step, carry, xs, chunk) => {
    if (chunk.layers !== true) return op.chunkedScan(step, carry, xs, chunk)
    const outputs = [...chunk.outputs, ...wanted.map(() => [width])]
    const looped = op.chunkedScan(
      (now, x) => {
        ;[kept, before] = [[], undefined]
        const out = step(now, x)
        return { carry: out.carry, y: [...out.y, ...kept] }
      },
      carry,
      xs,
      { ...chunk, outputs },
    )
    kept = looped.ys.slice(chunk.outputs.length)
    return { carry: looped.carry, ys: looped.ys.slice(0, chunk.outputs.length) }
  }
  return { op: { ...op, layerHook, chunkedScan }, outputs: () => kept }
}

/**
 * The layer's output, or for a share `rate` of the rows its input: stochastic depth (Huang et al. 2016, arXiv 1603.09382).
 * What a kept layer adds is scaled by 1 / (1 - rate), so that a pass without training needs no other weights.
 */
function leftOut<T>(op: Ops<T>, before: T, after: T, rate = 0): T {
  if (rate === 0) return after
  const cell = op.slice(op.slice(op.detach(after), 1, 0, 1), 2, 0, 1) //                       (B, 1, 1)
  const one = op.add(op.zerosLike(cell), op.constant(1))
  const mask = op.dropout(one, rate)
  // Outside training nothing is dropped, and dropout returns what it was given
  return mask === one ? after : op.add(before, op.mul(op.sub(after, before), mask))
}
