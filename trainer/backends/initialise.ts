/** First values of parameters: each drawn from a generator of its own name, so that order does not matter. */
import { elements, flatten, type Init, type Spec, type SpecTree } from '../../models/spec.ts'
import { Random } from '../random.ts'

/** Every parameter by its path, drawn from `seed`, but for those whose values are in the files of a published model. */
export function initialise(params: SpecTree, seed: number): Map<string, Float32Array> {
  const own = flatten(params).filter(([, spec]) => !spec.published)
  return new Map(own.map(([path, spec]) => [path, draw(spec, new Random(`${seed} ${path}`))]))
}

function draw(spec: Spec, random: Random): Float32Array {
  const data = new Float32Array(elements(spec.shape))
  const columns = Number(spec.shape.at(-1) ?? 1)
  for (let i = 0; i < data.length; i++) data[i] = value(spec.init, random, i, columns, data.length)
  return data
}

function value(init: Init, random: Random, i: number, columns: number, length: number): number {
  switch (init.kind) {
    case 'constant':
      return init.value
    case 'normal':
      return init.std * random.normal()
    case 'identity':
      return Math.floor(i / columns) === i % columns ? init.scale : 0
    case 'taps':
      return (i >= length - columns ? 1 : 0) + init.std * random.normal()
    case 'logOfUniform':
      return Math.log(init.low + random.uniform() * (init.high - init.low))
    case 'logUniformSoftplus':
      return Math.log(Math.expm1(init.low * (init.high / init.low) ** random.uniform()))
    case 'logOfColumn':
      return Math.log(1 + (i % columns))
    default:
      return init satisfies never
  }
}
