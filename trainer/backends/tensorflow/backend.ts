/** The second, independent backend: eager TF.js, its own derivatives, its own AdamW arithmetic. */
import { ConfigError } from '../../../models/config.ts'
import { flatten, frozenPaths, publishedPaths, type Spec, startShape } from '../../../models/spec.ts'
import { createTensor, type Tensor as Numbers } from '../../../runtime/tensor.ts'
import {
  type Backend,
  type BackendOptions,
  checkLabels,
  sharesOf,
  stepScalarsOf,
  type TrainingState,
  type UpdateResult,
} from '../backend.ts'
import { expectNames } from '../compile/feeds.ts'
import { unreachedParameters } from '../compile/step.ts'
import type { Batch } from '../../data/batch.ts'
import { initialise } from '../initialise.ts'
import { eagerLoss } from './eager-loss.ts'
import type { Build, Tensor, TensorFlow } from './load.ts'
import { describe, loadTensorFlow } from './load.ts'
import { keptMoments, wholeMoments, zeroMoments } from './moments.ts'

type Named = Map<string, Tensor>

/** Opens the TF.js backend with parameters drawn from `seed`. */
export async function createTensorFlowBackend(
  o: BackendOptions,
  seed: number,
  wanted: Build | 'auto' = 'auto',
): Promise<Backend> {
  if (o.precision !== 'float32')
    throw new ConfigError(`precision: ${o.precision} needs the compiled backend; TF.js computes in float32`)
  if (!o.deterministic) throw new ConfigError('deterministic: false needs the compiled backend; with TF.js it is true')
  const { tf, build } = await loadTensorFlow(wanted)
  const run = new Eager(tf, o)
  run.start(seed)
  const kept = o.recompute > 1 ? ', which keeps all values of the forward pass (recompute has no effect)' : ''
  return {
    description: `${describe(tf, build)}${kept}`,
    unreached: unreachedParameters(o.model, o),
    update: (batches, lr, number) => run.update(batches, lr, number),
    undo: () => run.undo(),
    evaluate: (batches) => run.evaluate(batches),
    put: (path, data) => run.put(path, data),
    read: () => run.read(),
    write: (state) => run.write(state),
    close: () => run.close(),
  }
}

class Eager {
  readonly #tf: TensorFlow
  readonly #o: BackendOptions
  readonly #specs: readonly [path: string, spec: Spec][]
  readonly #moving: readonly string[]
  #now: Named = new Map()
  #before: Named = new Map()

  constructor(tf: TensorFlow, o: BackendOptions) {
    this.#tf = tf
    this.#o = o
    this.#specs = flatten(o.model.params)
    const frozen = frozenPaths(o.model.params)
    this.#moving = this.#specs.flatMap(([path]) => (frozen.has(path) ? [] : [path]))
  }

  start(seed: number): void {
    const tf = this.#tf
    const { model, batch, optimizer } = this.#o
    const values = initialise(model.params, seed)
    for (const [path, spec] of this.#specs) {
      const shape = spec.shape.map(Number)
      this.#now.set(`param.${path}`, spec.published ? tf.zeros(shape) : tf.tensor(values.get(path)!, shape))
      if (spec.frozen) continue
      for (const [kind, zeros] of Object.entries(zeroMoments(tf, shape, optimizer.bits)))
        this.#now.set(`${kind}.${path}`, zeros)
    }
    for (const [path, spec] of flatten(model.state))
      this.#now.set(`state.${path}`, tf.zeros(startShape(spec.shape, batch)))
  }

  async update(batches: readonly Batch[], lr: number, number: number): Promise<UpdateResult> {
    const tf = this.#tf
    const shares = sharesOf(batches, this.#o)
    const after: Named = new Map()
    const result = tf.tidy(() => {
      let state = this.#group('state.')
      const losses: Tensor[] = []
      let mean: Tensor[] = []
      for (const [i, batch] of batches.entries()) {
        const before = state
        mean = tf.tidy(() => {
          const found = this.#gradients(before, batch)
          state = found.state
          losses.push(found.loss)
          const share = found.gradients.map((g) => tf.mul(g, shares[i]!))
          return i === 0 ? share : mean.map((sum, j) => tf.add(sum, share[j]!))
        })
        if (i > 0) tf.dispose([...before.values()])
      }
      for (const [path, t] of state) after.set(`state.${path}`, t)
      for (const [path, { frozen }] of this.#specs)
        if (frozen) after.set(`param.${path}`, this.#now.get(`param.${path}`)!)
      const loss = tf.addN(losses.map((each, i) => tf.mul(each, shares[i]!)))
      tf.dispose(losses)
      return tf.stack([loss, this.#adamw(mean, lr, number, after)])
    })
    const [loss, norm] = (await result.data()) as Float32Array
    result.dispose()
    this.#dispose(this.#before, this.#now)
    this.#before = this.#now
    this.#now = after
    return { loss: loss!, norm: norm! }
  }

  /** Loss and gradients of one batch, zero for parameters that the loss does not depend on, and the state after it. */
  #gradients(before: ReadonlyMap<string, Tensor>, batch: Batch) {
    const tf = this.#tf
    let state: ReadonlyMap<string, Tensor> = new Map()
    let loss: Tensor = tf.scalar(0)
    const variables = this.#moving.map((path) => this.#now.get(`param.${path}`)!)
    const objective = (...xs: Tensor[]) => {
      const moving = new Map(this.#moving.map((path, i) => [path, xs[i]!]))
      const params = new Map(this.#specs.map(([path]) => [path, moving.get(path) ?? this.#now.get(`param.${path}`)!]))
      const found = eagerLoss(tf, this.#o, params, before, batch, true)
      state = new Map([...found.state].map(([path, t]) => [path, tf.keep(t.clone())]))
      loss = tf.keep(found.loss.clone())
      return found.objective
    }
    // The engine's own function, because tf.grads throws where one of the parameters has no gradient
    const { grads } = tf.engine().gradients(() => objective(...variables), variables, undefined, true)
    return { loss, state, gradients: variables.map((x, i) => (grads[i] as Tensor | null) ?? tf.zerosLike(x)) }
  }

  /** Fills `after` with the moved parameters and moments; returns the gradients' norm. */
  #adamw(gradients: readonly Tensor[], lr: number, number: number, after: Named): Tensor {
    const tf = this.#tf
    const { optimizer: c, lrScale } = this.#o
    const { dither } = stepScalarsOf(lr, number, c)
    const norm = tf.sqrt(tf.addN(gradients.map((g) => tf.sum(tf.square(g)))))
    const scale = tf.minimum(1, tf.div(c.clip, tf.add(norm, 1e-6)))
    const specs = new Map(this.#specs)
    for (const [i, path] of this.#moving.entries()) {
      const { shape, decay } = specs.get(path)!
      const kinds = ['first', 'second', 'firstScale', 'secondScale']
      const held = kinds.flatMap((kind) => {
        const t = this.#now.get(`${kind}.${path}`)
        return t ? [[kind, t] as const] : []
      })
      const [m, v] = wholeMoments(tf, Object.fromEntries(held), shape.map(Number))
      const g = tf.mul(gradients[i]!, scale)
      const first = tf.add(tf.mul(m, c.beta1), tf.mul(g, 1 - c.beta1))
      const second = tf.add(tf.mul(v, c.beta2), tf.mul(tf.square(g), 1 - c.beta2))
      const mean = tf.div(first, 1 - c.beta1 ** number)
      const spread = tf.add(tf.sqrt(tf.div(second, 1 - c.beta2 ** number)), c.eps)
      const own = lr * lrScale(path)
      const shrunk = tf.mul(this.#now.get(`param.${path}`)!, decay ? 1 - own * c.weightDecay : 1)
      after.set(`param.${path}`, tf.keep(tf.sub(shrunk, tf.mul(tf.div(mean, spread), own)).clone()))
      for (const [kind, t] of Object.entries(keptMoments(tf, first, second, c.bits, dither)))
        after.set(`${kind}.${path}`, tf.keep(t.clone()))
    }
    return norm
  }

  undo(): void {
    ;[this.#now, this.#before] = [this.#before, this.#now]
  }

  async evaluate(batches: AsyncIterable<Batch> | Iterable<Batch>): Promise<number> {
    const tf = this.#tf
    let state: ReadonlyMap<string, Tensor> = new Map([...this.#group('state.')].map(([n, t]) => [n, tf.zerosLike(t)]))
    let [sum, weights] = [0, 0]
    for await (const batch of batches) {
      checkLabels(batch, this.#o)
      const scope = tf.tidy(() => {
        const found = eagerLoss(tf, this.#o, this.#group('param.'), state, batch, false)
        return { results: tf.stack([found.loss, found.weightSum]), state: [...found.state] as [string, Tensor][] }
      })
      const [loss, weight] = (await scope.results.data()) as Float32Array
      const kept = new Set(scope.state.map(([, t]) => t))
      tf.dispose([scope.results, ...[...state.values()].filter((t) => !kept.has(t))])
      state = new Map(scope.state)
      sum += loss! * weight!
      weights += weight!
    }
    tf.dispose([...state.values()])
    return sum / weights
  }

  put(path: string, data: Float32Array): void {
    const before = this.#now.get(`param.${path}`)!
    this.#now.set(`param.${path}`, this.#tf.tensor(data, before.shape))
    before.dispose()
  }

  read(): TrainingState {
    return new Map(
      this.#saved().map(([name, t]): [string, Numbers] => {
        const data = t.dataSync().slice() as Float32Array
        if (!this.#now.has(name.replace('.', 'Scale.'))) return [name, createTensor('float32', t.shape, data)]
        return name.startsWith('first')
          ? [name, createTensor('int8', t.shape, Int8Array.from(data))]
          : [name, createTensor('uint8', t.shape, Uint8Array.from(data))]
      }),
    )
  }

  write(state: TrainingState): void {
    const saved = this.#saved()
    expectNames(
      saved.map(([name]) => name),
      state,
    )
    this.#dispose(this.#before, this.#now)
    this.#before = new Map()
    this.#tf.dispose(saved.map(([, t]) => t))
    for (const [name, { dims, data }] of state)
      this.#now.set(name, this.#tf.tensor(Float32Array.from(data as Float32Array), [...dims], 'float32'))
  }

  /** All but the parameters whose values stay in the files of a published model. */
  #saved(): [name: string, tensor: Tensor][] {
    const published = publishedPaths(this.#o.model.params)
    return [...this.#now].filter(([name]) => !published.has(name.slice('param.'.length)))
  }

  close(): void {
    this.#dispose(this.#before, this.#now)
    this.#dispose(this.#now, new Map())
  }

  /** Disposes what is not among the `kept`: frozen parameters are in both. */
  #dispose(named: Named, kept: Named): void {
    const held = new Set(kept.values())
    this.#tf.dispose([...named.values()].filter((t) => !held.has(t)))
  }

  #group(prefix: string): ReadonlyMap<string, Tensor> {
    return new Map([...this.#now].filter(([n]) => n.startsWith(prefix)).map(([n, t]) => [n.slice(prefix.length), t]))
  }
}
