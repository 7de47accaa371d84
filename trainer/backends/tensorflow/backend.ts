/** The second, independent backend: eager TF.js, its own derivatives, its own AdamW arithmetic. */
import { ConfigError } from '../../../models/config.ts'
import { elements, fill, flatten, frozenPaths, leaves } from '../../../models/spec.ts'
import { createTensor } from '../../../runtime/tensor.ts'
import { type Backend, type BackendOptions, type StepResult, type Tensors } from '../backend.ts'
import type { Batch } from '../../data/batch.ts'
import { initialise } from '../initialise.ts'
import type { Build, Tensor, TensorFlow } from './load.ts'
import { describe, loadTensorFlow } from './load.ts'
import { eagerOps } from './ops.ts'

type Named = Map<string, Tensor>

/** Opens the TF.js backend with parameters drawn from `seed`. */
export async function createTensorFlowBackend(
  o: BackendOptions,
  seed: number,
  wanted: Build | 'auto' = 'auto',
): Promise<Backend> {
  for (const [name, whole, got] of [
    ['optimizer.bits', 32, o.optimizer.bits],
    ['recompute', 1, o.recompute],
    ['precision', 'float32', o.precision],
    ['deterministic', true, o.deterministic],
  ] as const)
    if (got !== whole) throw new ConfigError(`${name}: ${got} needs the compiled backend; with TF.js it is ${whole}`)
  const { tf, build } = await loadTensorFlow(wanted)
  const run = new Eager(tf, o)
  run.start(seed)
  return {
    description: describe(tf, build),
    step: (batch, lr, update, apply) => run.step(batch, lr, update, apply),
    undo: () => run.undo(),
    evaluate: (batches) => run.evaluate(batches),
    read: () => run.read(),
    write: (tensors) => run.write(tensors),
    close: () => run.close(),
  }
}

/** The loss of a model, eagerly. Shapes as in the compiled step. */
export function eagerLoss(
  tf: TensorFlow,
  o: BackendOptions,
  params: ReadonlyMap<string, Tensor>,
  state: ReadonlyMap<string, Tensor>,
  batch: Batch,
  training: boolean,
) {
  const op = eagerOps(tf, training ? (shape) => noise(tf, o, shape) : undefined)
  const ids = tf.tensor2d(batch.ids, [o.batch, o.time], 'int32')
  const carry = o.carry ? tf.tensor1d(batch.carry) : tf.zeros([o.batch])
  const before = fill(o.model.state, (path) => {
    const held = state.get(path)!
    return tf.mul(held, tf.reshape(carry, [o.batch, ...held.shape.slice(1).map(() => 1)]))
  })
  const tree = fill(o.model.params, (path) => params.get(path)!)
  const done = o.model.forward<Tensor>(op, tree, ids, before)
  const logits = tf.reshape(o.model.logits<Tensor>(op, tree, done.hidden), [-1, o.model.vocab])
  const weights = tf.tensor1d(batch.weights)
  const picked = tf.sum(
    tf.mul(tf.logSoftmax(logits), tf.oneHot(tf.tensor1d(batch.targets, 'int32'), o.model.vocab)),
    -1,
  )
  const mass = tf.maximum(tf.sum(weights), 1e-6)
  const loss = tf.neg(tf.div(tf.sum(tf.mul(picked, weights)), mass)).asScalar()
  const objective = done.auxiliary ? tf.add(loss, done.auxiliary).asScalar() : loss
  return { loss, objective, mass, state: leaves<Tensor>(o.model.state, done.state) }
}

/** The same random numbers in the same order as the compiled step gets. */
function noise(tf: TensorFlow, o: BackendOptions, shape: readonly number[]): Tensor {
  const data = new Float32Array(elements(shape)).map(() => o.random.uniform())
  return tf.tensor(data, [...shape])
}

class Eager {
  readonly #tf: TensorFlow
  readonly #o: BackendOptions
  #now: Named = new Map()
  #before: Named = new Map()
  readonly #frozen: ReadonlySet<string>

  constructor(tf: TensorFlow, o: BackendOptions) {
    this.#tf = tf
    this.#o = o
    this.#frozen = frozenPaths(o.model.params)
  }

  start(seed: number): void {
    const tf = this.#tf
    const { model, batch, accumulate } = this.#o
    for (const [path, data] of initialise(model.params, seed)) {
      const shape = flatten(model.params)
        .find(([name]) => name === path)![1]
        .shape.map(Number)
      this.#now.set(`param.${path}`, tf.tensor(data, shape))
      if (this.#frozen.has(path)) continue
      for (const kind of ['first', 'second', ...(accumulate > 1 ? ['total'] : [])])
        this.#now.set(`${kind}.${path}`, tf.zeros(shape))
    }
    for (const [path, spec] of flatten(model.state))
      this.#now.set(`state.${path}`, tf.zeros(spec.shape.map((d) => (d === 'batch' ? batch : Number(d)))))
  }

  async step(batch: Batch, lr: number, update: number, apply: boolean): Promise<StepResult> {
    const tf = this.#tf
    const after: Named = new Map()
    const result = tf.tidy(() => {
      const all = flatten(this.#o.model.params).map(([path]) => path)
      const paths = all.filter((path) => !this.#frozen.has(path))
      const variables = paths.map((path) => this.#now.get(`param.${path}`)!)
      let state: ReadonlyMap<string, Tensor> = new Map()
      let loss: Tensor = tf.scalar(0)
      const { grads } = tf.valueAndGrads((...xs: Tensor[]) => {
        const moving = new Map(paths.map((path, i) => [path, xs[i]!]))
        const params = new Map(all.map((path) => [path, moving.get(path) ?? this.#now.get(`param.${path}`)!]))
        const found = eagerLoss(tf, this.#o, params, this.#group('state.'), batch, true)
        state = new Map([...found.state].map(([path, t]) => [path, tf.keep(t.clone())]))
        loss = tf.keep(found.loss.clone())
        return found.objective
      })(variables)
      const norm = this.#adamw(paths, grads, lr, update, apply, after)
      for (const [path, t] of state) after.set(`state.${path}`, t)
      for (const path of this.#frozen) after.set(`param.${path}`, this.#now.get(`param.${path}`)!)
      const both = tf.stack([loss, norm])
      loss.dispose()
      return both
    })
    const [loss, norm] = (await result.data()) as Float32Array
    result.dispose()
    tf.dispose([...this.#before.values()].filter((t) => ![...this.#now.values()].includes(t)))
    this.#before = this.#now
    this.#now = after
    return { loss: loss!, norm: norm! }
  }

  /** Fills `after` with the moved parameters and moments; returns the gradients' norm. */
  #adamw(paths: string[], grads: Tensor[], lr: number, update: number, apply: boolean, after: Named): Tensor {
    const tf = this.#tf
    const { optimizer: c, accumulate, rate } = this.#o
    const keep = (name: string, t: Tensor): void => void after.set(name, tf.keep(t.clone()))
    const total = (i: number): Tensor =>
      accumulate > 1 ? tf.add(this.#now.get(`total.${paths[i]}`)!, grads[i]!) : grads[i]!
    const usable = paths.map((_, i) => tf.div(total(i), accumulate))
    const norm = tf.sqrt(tf.addN(usable.map((g) => tf.sum(tf.square(g)))))
    const scale = tf.minimum(1, tf.div(c.clip, tf.add(norm, 1e-6)))
    const decays = new Map(flatten(this.#o.model.params).map(([path, spec]) => [path, spec.decay]))
    for (const [i, path] of paths.entries()) {
      const at = (kind: string): Tensor => this.#now.get(`${kind}.${path}`)!
      if (accumulate > 1) keep(`total.${path}`, apply ? tf.zerosLike(total(i)) : total(i))
      if (!apply) {
        for (const kind of ['param', 'first', 'second']) keep(`${kind}.${path}`, at(kind))
        continue
      }
      const g = tf.mul(usable[i]!, scale)
      const first = tf.add(tf.mul(at('first'), c.beta1), tf.mul(g, 1 - c.beta1))
      const second = tf.add(tf.mul(at('second'), c.beta2), tf.mul(tf.square(g), 1 - c.beta2))
      const mean = tf.div(first, 1 - c.beta1 ** update)
      const spread = tf.add(tf.sqrt(tf.div(second, 1 - c.beta2 ** update)), c.eps)
      const own = lr * rate(path)
      const shrunk = tf.mul(at('param'), decays.get(path)! ? 1 - own * c.weightDecay : 1)
      keep(`param.${path}`, tf.sub(shrunk, tf.mul(tf.div(mean, spread), own)))
      keep(`first.${path}`, first)
      keep(`second.${path}`, second)
    }
    return norm
  }

  undo(): void {
    ;[this.#now, this.#before] = [this.#before, this.#now]
  }

  async evaluate(batches: AsyncIterable<Batch> | Iterable<Batch>): Promise<number> {
    const tf = this.#tf
    let state: ReadonlyMap<string, Tensor> = new Map([...this.#group('state.')].map(([n, t]) => [n, tf.zerosLike(t)]))
    let [sum, mass] = [0, 0]
    for await (const batch of batches) {
      const scope = tf.tidy(() => {
        const found = eagerLoss(tf, this.#o, this.#group('param.'), state, batch, false)
        return { both: tf.stack([found.loss, found.mass]), state: [...found.state] as [string, Tensor][] }
      })
      const [loss, weight] = (await scope.both.data()) as Float32Array
      tf.dispose([scope.both, ...state.values()])
      state = new Map(scope.state)
      sum += loss! * weight!
      mass += weight!
    }
    tf.dispose([...state.values()])
    return sum / mass
  }

  read(): Tensors {
    return new Map(
      [...this.#now].map(([name, t]) => [name, createTensor('float32', t.shape, t.dataSync().slice() as Float32Array)]),
    )
  }

  write(tensors: Tensors): void {
    const unknown = [...tensors.keys()].filter((name) => !this.#now.has(name))
    const missing = [...this.#now.keys()].filter((name) => !tensors.has(name))
    if (unknown.length > 0 || missing.length > 0)
      throw new Error(`training state: missing [${missing.join(', ')}], unexpected [${unknown.join(', ')}]`)
    for (const [name, { dims, data }] of tensors) this.#now.set(name, this.#tf.tensor(data as Float32Array, [...dims]))
  }

  close(): void {
    this.#tf.dispose([...this.#now.values(), ...this.#before.values()])
  }

  #group(prefix: string): ReadonlyMap<string, Tensor> {
    return new Map([...this.#now].filter(([n]) => n.startsWith(prefix)).map(([n, t]) => [n.slice(prefix.length), t]))
  }
}
