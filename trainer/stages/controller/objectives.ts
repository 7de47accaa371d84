/**
 * What a controller is trained by: first the gates of the best outcomes (supervised), then proximal policy optimisation
 * (Schulman et al. 2017, arXiv 1707.06347) of episodes of one step, which makes it a contextual bandit.
 */
import { controllerModel, type ControllerModel } from '../../../models/architectures/controller.ts'
import type { Ops } from '../../../models/ops.ts'
import { fill, matrix, type Of, type SpecTree, vector } from '../../../models/spec.ts'
import type { InputSpec, Objective } from '../../objective.ts'

// N turns of a batch  Q width of the query  F features  G gates

/** Layers of the value net, and its dropout. */
const VALUE = { layers: 3, dropout: 0.1 } as const
/** How far the probability of an action, and a value, may move in one batch. */
const CLIP = 0.2
const VALUE_WEIGHT = 0.5
const ENTROPY_WEIGHT = 0.01
/** Of the reward's term on the uncertainty, (u - wrong)^2: that output is not sampled, so its own derivative is taken. */
const UNCERTAINTY_WEIGHT = 0.5

const float32 = (...shape: number[]): InputSpec => ({ dtype: 'float32', shape })

const valueParams = (input: number, width: number) => ({
  layers: Array.from({ length: VALUE.layers }, (_, i) => ({
    weight: matrix([i === 0 ? input : width, width]),
    bias: vector([width], 0),
  })),
  output: { weight: matrix([width, 1], 0.01), bias: vector([1], 0) },
})
type ValueParams<T> = Of<ReturnType<typeof valueParams>, T>

/** The head for experts keeps its weights: no outcome says which expert would have been better. */
function trainedParams({ params }: ControllerModel): SpecTree {
  const { experts, ...others } = params as Readonly<Record<string, SpecTree>>
  return { ...others, experts: fill(experts!, (_, spec) => ({ ...spec, frozen: true })) as SpecTree }
}

/** What each turn gives the controller. */
const turnInputs = ({ config, features }: ControllerModel, batch: number) => ({
  query: float32(batch, config.query),
  features: float32(batch, features),
  /** 1 for gates that the turn leaves open to decide. */
  available: float32(batch, config.gates),
})

/**
 * The supervised objective: cross entropy of each gate with `gates` (N,G), how often it is open in the best outcomes, and
 * of the uncertainty with `wrong` (N,1). Tells `gates` and `uncertainty`, both probabilities.
 */
export function supervisedObjective(options: Readonly<Record<string, unknown>>, batch: number): Objective {
  const model = controllerModel(options)
  return {
    name: 'controller',
    params: { controller: trainedParams(model) },
    inputs: { ...turnInputs(model, batch), gates: float32(batch, model.config.gates), wrong: float32(batch, 1) },
    trace(op, params, x) {
      const { controller } = params as { controller: unknown }
      const { gates, uncertainty } = model.control(op, controller, { query: x['query']!, features: x['features']! })
      const ofGates = op.sum(op.mul(crossEntropy(op, gates, x['gates']!), x['available']!), -1, true)
      const ofUncertainty = crossEntropy(op, uncertainty, x['wrong']!)
      return {
        objective: meanOf(op, op.add(ofGates, ofUncertainty)),
        told: { gates: op.sigmoid(gates), uncertainty: op.sigmoid(uncertainty) },
      }
    },
  }
}

/**
 * The objective of PPO; the layers of its value net have `valueWidth` numbers. Inputs beside those of the turn: `actions` (N,G) of 0 and 1, `before` (N,1) their log-probability
 * when they were drawn, `advantage` (N,1), `reward` (N,1), `valueBefore` (N,1) and `wrong` (N,1). Tells `gates`,
 * `uncertainty`, `value`, `logProb` of the actions and `entropy`.
 */
export function ppoObjective(
  options: Readonly<Record<string, unknown>>,
  { batch, valueWidth }: { readonly batch: number; readonly valueWidth: number },
): Objective {
  // A ratio of probabilities under two dropout masks would be noise
  const model = controllerModel({ ...options, dropout: 0 })
  const params: SpecTree = {
    controller: trainedParams(model),
    value: valueParams(model.config.query + model.features, valueWidth) as unknown as SpecTree,
  }
  const column = float32(batch, 1)
  return {
    name: 'ppo',
    params,
    inputs: {
      ...turnInputs(model, batch),
      actions: float32(batch, model.config.gates),
      before: column,
      advantage: column,
      reward: column,
      valueBefore: column,
      wrong: column,
    },
    trace<T>(op: Ops<T>, given: unknown, x: Readonly<Record<string, T>>) {
      const p = given as { controller: unknown; value: ValueParams<T> }
      const input = { query: x['query']!, features: x['features']! }
      const { gates, uncertainty } = model.control(op, p.controller, input)
      const value = valueOf(op, p.value, op.concat([input.query, input.features], -1))
      const logProb = op.neg(maskedSum(op, crossEntropy(op, gates, x['actions']!), x['available']!))
      const probability = op.sigmoid(gates)
      const entropy = maskedSum(op, crossEntropy(op, gates, probability), x['available']!)
      const gain = clippedGain(op, op.exp(op.sub(logProb, x['before']!)), x['advantage']!)
      const wrongness = op.sigmoid(uncertainty)
      const terms = [
        op.neg(gain),
        op.mul(clippedError(op, value, x['valueBefore']!, x['reward']!), op.constant(VALUE_WEIGHT)),
        op.mul(entropy, op.constant(-ENTROPY_WEIGHT)),
        op.mul(square(op, op.sub(wrongness, x['wrong']!)), op.constant(UNCERTAINTY_WEIGHT)),
      ]
      return {
        objective: meanOf(
          op,
          terms.reduce((a, b) => op.add(a, b)),
        ),
        told: { gates: probability, uncertainty: wrongness, value, logProb, entropy },
      }
    },
  }
}

/** -t log s(z) - (1 - t) log(1 - s(z)) = softplus(z) - t z, for each element. */
const crossEntropy = <T>(op: Ops<T>, logits: T, targets: T): T => op.sub(op.softplus(logits), op.mul(targets, logits))

const maskedSum = <T>(op: Ops<T>, x: T, mask: T): T => op.sum(op.mul(x, mask), -1, true)
const meanOf = <T>(op: Ops<T>, x: T): T => op.mean(op.reshape(x, [-1]), 0)
const square = <T>(op: Ops<T>, x: T): T => op.mul(x, x)
const clip = <T>(op: Ops<T>, x: T, low: number, high: number): T =>
  op.minimum(op.maximum(x, op.constant(low)), op.constant(high))

/** min(r A, clip(r, 0.8, 1.2) A). */
function clippedGain<T>(op: Ops<T>, ratio: T, advantage: T): T {
  return op.minimum(op.mul(ratio, advantage), op.mul(clip(op, ratio, 1 - CLIP, 1 + CLIP), advantage))
}

/** The larger error of the value and of the value that moved by at most the clip. */
function clippedError<T>(op: Ops<T>, value: T, before: T, reward: T): T {
  const moved = op.add(before, clip(op, op.sub(value, before), -CLIP, CLIP))
  return op.maximum(square(op, op.sub(value, reward)), square(op, op.sub(moved, reward)))
}

function valueOf<T>(op: Ops<T>, p: ValueParams<T>, x: T): T {
  const last = p.layers.reduce(
    (h, { weight, bias }) => op.dropout(op.gelu(op.add(op.matmul(h, weight), bias)), VALUE.dropout),
    x,
  )
  return op.add(op.matmul(last, p.output.weight), p.output.bias)
}
