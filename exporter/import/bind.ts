/** Finds for each parameter of a model the published tensors that make it; refuses what is missing, left over or misshapen. */
import type { Model } from '../../models/architecture.ts'
import { elements, flatten, type Spec } from '../../models/spec.ts'
import { namingRules } from './family-names.ts'
import { ImportError } from './import-error.ts'
import { createNames, type Binding, type Names, type NamingRules } from './names.ts'
import type { TensorSource } from './sources/source.ts'

export type Bindings = ReadonlyMap<string, Binding>

/** What has parameters: a decoder or an encoder. */
export type Parametrised = Pick<Model, 'architecture' | 'config' | 'params'>

/** Throws ImportError that names the first tensors which do not fit. */
export function bindTensors(model: Parametrised, tensors: TensorSource): Bindings {
  const rules = namingRules(model.architecture, model.config)
  const names = createNames(new Set(tensors.names), rules)
  const bindings = new Map<string, Binding>()
  const missing: string[] = []
  for (const [path, spec] of flatten(model.params)) {
    const binding = bindingOf(path, names, rules)
    if (binding) {
      checkShape(path, spec, binding, tensors)
      bindings.set(path, binding)
    } else missing.push(path)
  }
  const used = new Set([...bindings.values()].flatMap((binding) => binding.names))
  const tied = !bindings.has('lm_head.weight')
  const over = tensors.names.filter(
    // A tied head is often written beside the embedding that it is.
    (name) => !used.has(name) && !rules.left?.test(name) && !(tied && /^(lm_head|head)\.weight$/.test(name)),
  )
  const listed = (all: readonly string[]): string =>
    `${all.slice(0, 5).join(', ')}${all.length > 5 ? `, and ${all.length - 5} more` : ''}`
  if (missing.length > 0)
    throw new ImportError(`${model.architecture}: expected tensors for ${listed(missing)}, got none`)
  if (over.length > 0)
    throw new ImportError(`${model.architecture}: expected no tensors ${listed(over)}: nothing takes them`)
  return bindings
}

function bindingOf(path: string, names: Names, { made = {} }: NamingRules): Binding | undefined {
  for (const [end, rule] of Object.entries(made)) {
    if (path !== end && !path.endsWith(`.${end}`)) continue
    const binding = rule(names, path.slice(0, path.length - end.length))
    if (binding) return binding
  }
  const name = names.find(path)
  return name === undefined ? undefined : { kind: 'stacked', names: [name] }
}

/** Axes of size 1 do not count: some files keep them. */
const withoutOnes = (shape: readonly number[]): readonly number[] => shape.filter((size) => size !== 1)

function checkShape(path: string, { shape }: Spec, binding: Binding, tensors: TensorSource): void {
  const shapes = binding.names.map((name) => tensors.shape(name))
  const refuse = (got: string): never => {
    throw new ImportError(
      `${binding.names.join(', ')}: expected the numbers of ${path} [${shape.join(', ')}], got ${got}`,
    )
  }
  const shown = shapes.map((found) => `[${found.join(', ')}]`).join(' and ')
  const count = shapes.reduce((sum, found) => sum + elements(found), 0)
  if (binding.kind === 'stacked') {
    if (count !== elements(shape)) refuse(shown)
    const [only] = shapes
    if (shapes.length === 1 && withoutOnes(only!).join() !== withoutOnes(shape.map(Number)).join()) refuse(shown)
  } else if (count < elements(shape)) refuse(shown)
}

/** The numbers of a parameter. Reads one tensor after the other. */
export async function readParameter(binding: Binding, tensors: TensorSource): Promise<Float32Array> {
  const [first] = binding.names
  if (binding.kind === 'stacked') {
    if (binding.names.length === 1) return tensors.read(first!)
    const total = binding.names.reduce((sum, name) => sum + elements(tensors.shape(name)), 0)
    const out = new Float32Array(total)
    let at = 0
    for (const name of binding.names) {
      const data = await tensors.read(name)
      out.set(data, at)
      at += data.length
    }
    return out
  }
  const parts = []
  for (const name of binding.names) parts.push({ data: await tensors.read(name), shape: tensors.shape(name) })
  return binding.make(parts)
}
