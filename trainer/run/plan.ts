/** What a run would take, without training anything (`mneme train --dry-run`). */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { countParameters, elements, flatten, grows, startShape } from '../../models/spec.ts'
import { openText } from '../../runtime/text.ts'
import { stepOptions } from '../backends/backend.ts'
import { rowsOfDevice } from '../backends/compile/parallel.ts'
import { compileStep } from '../backends/compile/step.ts'
import { checkMemory, heldBytes, inUnits } from '../backends/memory.ts'
import { withBase } from '../import/base.ts'
import type { Recipe } from '../recipes/recipe.ts'
import { backendOptionsOf, type Choices } from './prepare.ts'
import { makeTokenizer } from './tokenizer.ts'
import { unreachedNotes } from './unreached.ts'

/** Seconds in which ONNX Runtime opens a graph, a square of its operations: 1.6 s for 4,700, 23 s for 17,900. */
const openingSeconds = (nodes: number): number => 7.2e-8 * nodes ** 2

/**
 * Resident memory of a step's values by the least that they take in the tape's order: 2.1 to 2.9 were measured (vanilla,
 * delta, nmt), for ONNX Runtime has an order of its own, and an arena that grows by doubling.
 */
const RESIDENT = 2.5

/** A table of what the run would take. Writes nothing that stays. Throws what `prepare` throws before it opens data. */
export async function planText(
  asked: Recipe,
  choices: Pick<Choices, 'devices' | 'threads' | 'progress'>,
): Promise<string> {
  const recipe = await withBase(asked, undefined)
  const folder = await mkdtemp(join(tmpdir(), 'mneme-plan-'))
  try {
    await makeTokenizer(recipe, folder, choices.progress)
    const whole = backendOptionsOf(recipe, openText(folder), choices)
    const rows = rowsOfDevice(recipe.batch, choices.devices)
    const { nodes, bytes, valueBytes, unreached } = compileStep(whole.model, { ...stepOptions(whole), batch: rows })
    checkMemory(whole, valueBytes * choices.devices.length)
    const { params, state } = whole.model
    const bytesOf = (growing: boolean): number =>
      flatten(state).reduce((sum, [, s]) => sum + (grows(s) === growing ? 4 * elements(startShape(s.shape, 1)) : 0), 0)
    const perToken = bytesOf(true)
    const [held, values] = [heldBytes(whole), RESIDENT * valueBytes]
    const rowsOfTable = [
      ['parameters', countParameters(params).toLocaleString('en')],
      ['state of a session', inUnits(bytesOf(false))],
      ...(perToken > 0 ? [['  and for each token', inUnits(perToken)]] : []),
      ['memory of a step, about', inUnits(held + values)],
      ['  parameters, moments, state', inUnits(held)],
      [`  values of ${rows} x ${recipe.sequenceLength} tokens`, inUnits(values)],
      ['operations of its graph', `${nodes.toLocaleString('en')} (${inUnits(bytes.length)})`],
      ['time to compile it, about', `${Math.max(1, Math.round(openingSeconds(nodes)))} s`],
    ]
    const table = rowsOfTable.map(([what, value]) => `${what!.padEnd(32)} ${value}`)
    return `${[`${recipe.name}, nothing is trained`, ...table, ...unreachedNotes(unreached, recipe, whole.model)].join('\n')}\n`
  } finally {
    await rm(folder, { recursive: true })
  }
}
