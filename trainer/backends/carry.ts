/** Whether the state of a model can go on from batch to batch. */
import type { Model } from '../../models/architecture.ts'
import { ConfigError } from '../../models/config.ts'
import { flatten, grows } from '../../models/spec.ts'

/** Whether the model's state has one size whatever it was fed, so that a step can take it and give it on. */
export const canCarry = (model: Model): boolean => !flatten(model.state).some(([, spec]) => grows(spec))

/** Throws ConfigError where rows shall carry a state that grows by a position for each token. */
export function checkCarry(model: Model, carry: boolean): void {
  if (carry && !canCarry(model))
    throw new ConfigError(
      `carry: expected false, got true: attention of ${model.architecture} keeps every token, so what a row would carry ` +
        'grows from batch to batch; take --set carry=false, and rows as long as the context that it shall learn (sequenceLength)',
    )
}
