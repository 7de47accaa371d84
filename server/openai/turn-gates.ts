/** What a turn does before its reply: what is searched for it, what its five gates are, and what follows from them. */
import {
  FEATURE_NAMES,
  featuresOf,
  type Gate,
  GATES,
  NOTHING_FOUND,
  type TurnFeatures,
} from '../../runtime/controller-features.ts'
import type { ControllerOutput } from '../../runtime/controller.ts'
import { decide, type Decisions, type Forced } from '../controller/decide.ts'
import type { VerifyMode } from '../critic/verify-mode.ts'
import type { Deps } from '../deps.ts'
import { gatesOfBias } from '../engine/expert-bias.ts'
import { findEvidence, opened, type Evidence, type MemoryUse } from '../memory/evidence.ts'
import { toldBy } from '../memory/facts/told-by.ts'
import { isQuestion } from '../memory/facts/speech-acts.ts'
import { makeVector } from '../memory/memories.ts'
import { wordsOf } from '../memory/words.ts'
import type { NewTurn } from '../run-turn.ts'
import { infoOf, type ServedModel } from '../served-model.ts'
import type { EmbeddedText, Memory } from '../store/memory-calls.ts'
import { ApiError } from './errors.ts'
import { findPastTurns, NO_TURNS, type PastTurn, type PastTurns } from './past-turns.ts'

/** A turn whose gates are to be decided. */
export interface GatedTurn {
  readonly owner: string
  readonly use: MemoryUse
  readonly model: ServedModel
  readonly job: NewTurn
  /** What the user wrote last. */
  readonly message: string
  /** Characters of all that the turn adds to its conversation. */
  readonly characters: number
  /** The name of the conversation that the turn goes on with; null: it begins one. */
  readonly conversation: string | null
  /** What is done with a reply that is wrong about its user, as the request or the server says. */
  readonly verify: VerifyMode
  readonly forced: Forced
  /** Whether the request itself says what a memory says. */
  readonly isKnown: (memory: Memory) => boolean
}

export interface TurnGates {
  /** Who decides what no request forces. */
  readonly by: 'controller' | 'threshold'
  readonly features: Float32Array
  /** How probable it is that the reply is wrong, by the controller; null without one. */
  readonly uncertainty: number | null
  readonly decisions: Decisions
}

export interface GateOutcome {
  /** Null where no memories are read, no controller is served and the request says nothing of gates. */
  readonly gates: TurnGates | null
  /** Null: nothing is looked for. */
  readonly evidence: Evidence | null
  /** The message with the vector that it was searched by; null where it has none. */
  readonly embedded: EmbeddedText | null
  /** Turns of other conversations that are read, best first. */
  readonly turns: readonly PastTurn[]
  readonly verify: VerifyMode
  /** The job with what was decided for it. */
  readonly job: NewTurn
}

interface GateFields {
  readonly mneme?:
    | { readonly gates?: Partial<Record<Gate, boolean | number | null | undefined>> | null | undefined }
    | null
    | undefined
}

/** Of an early exit a number counts as open: how it decides is the exit's own matter. */
export function forcedGates({ mneme }: GateFields): Forced {
  const said = (gate: Gate): boolean | null => {
    const value = mneme?.gates?.[gate] ?? null
    return typeof value === 'number' ? true : value
  }
  return Object.fromEntries(GATES.map((gate) => [gate, said(gate)])) as Record<Gate, boolean | null>
}

/** Throws ApiError where the request opens a gate that the model does not have. */
export async function decideTurn(deps: Deps, turn: GatedTurn, signal: AbortSignal): Promise<GateOutcome> {
  const { owner, use, model, message, forced, conversation } = turn
  refuseBias(deps, turn)
  const { controller } = deps.gating
  if (!use.read && !controller && GATES.every((gate) => forced[gate] === null))
    return { gates: null, evidence: null, embedded: null, turns: [], verify: 'off', job: turn.job }
  const isSearched = use.read && message.trim() !== ''
  const made = isSearched || controller ? await vectorOf(deps, owner, message, signal) : null
  const search = { owner, use, message, made }
  const found = await findEvidence(deps, search, turn.isKnown, signal)
  const past =
    isSearched && looksBack(deps, forced) ? await findPastTurns(deps, search, conversation, signal) : NO_TURNS
  const info = infoOf(model)
  const hasExperts = controller !== null && info.experts === controller.experts
  const features = featuresOf(turnFeatures(turn, found, past, hasExperts))
  const output = await controlled(deps, made?.vector ?? null, features, signal)
  const offered = { semantic: found?.offered.length ?? 0, episodic: past.offered.length }
  const decisions = decide({
    forced,
    available: {
      early_exit: info.exitAfter !== null,
      episodic: offered.episodic > 0,
      semantic: offered.semantic > 0,
      expert_bias: output !== null && hasExperts,
      verification: found !== null && !found.isAway && isChecked(turn),
    },
    defaults: {
      early_exit: info.exitPays,
      episodic: deps.gating.thresholds.episodic !== undefined && past.above.length > 0,
      semantic: found?.gate.open ?? false,
      expert_bias: false,
      verification: true,
    },
    controller: output && controller && { probabilities: output.gates, thresholds: controller.thresholds },
  })
  count(deps, decisions)
  return {
    gates: { by: output ? 'controller' : 'threshold', features, uncertainty: output?.uncertainty ?? null, decisions },
    evidence: found && evidenceBy(found, decisions),
    embedded: made && { text: message, made },
    turns: turnsBy(past, decisions),
    verify: verifyBy(turn.verify, decisions),
    job: jobBy(turn.job, decisions, output),
  }
}

/** A text that is empty has no vector. */
const vectorOf = (deps: Deps, owner: string, message: string, signal: AbortSignal) =>
  message.trim() === '' ? Promise.resolve(null) : makeVector(deps, owner, message, signal)

/** Where a request wants no memories in its reply, the critic would put them there: it is left out unless it is asked for. */
const isChecked = ({ verify, forced }: GatedTurn): boolean =>
  forced.verification === true || (verify !== 'off' && forced.semantic !== false)

/** The search of turns is for those who may read them: without that it costs a turn time for nothing. */
function looksBack({ gating }: Deps, { episodic }: Forced): boolean {
  return gating.controller !== null || gating.thresholds.episodic !== undefined || episodic !== null
}

/** Null without a controller, and where it fails: thresholds decide then. */
async function controlled(
  { gating: { controller }, log, metrics }: Deps,
  vector: Float32Array | null,
  features: Float32Array,
  signal: AbortSignal,
): Promise<ControllerOutput | null> {
  if (!controller) return null
  const began = performance.now()
  try {
    const query = vector ?? new Float32Array(controller.width)
    const output = await controller.control(query, features, signal)
    if (![...Object.values(output.gates), ...output.experts, output.uncertainty].every(Number.isFinite))
      throw new Error(`${controller.name}: expected finite numbers, got others`)
    metrics.controller.observe((performance.now() - began) / 1000)
    return output
  } catch (error) {
    signal.throwIfAborted()
    log.warn({ err: error }, 'the controller failed; thresholds decide this turn')
    return null
  }
}

function turnFeatures(
  { job, message, characters, conversation, model }: GatedTurn,
  found: Evidence | null,
  past: PastTurns,
  hasExperts: boolean,
): TurnFeatures {
  const start = message.slice(0, MOST_CHARACTERS)
  const { facts, statements } = toldBy(start)
  const { position, pending } = job.from ?? { position: 0, pending: [] }
  return {
    uncertainty: null,
    contextTokens: position + pending.length + Math.ceil(characters / CHARACTERS_OF_A_TOKEN),
    messageWords: wordsOf(start).length,
    continues: conversation !== null,
    isQuestion: start.trimEnd().endsWith('?') || isQuestion(start),
    asksUser: (found?.asked.length ?? 0) > 0,
    tells: facts.length + statements.length > 0,
    semantic: found?.features ?? NOTHING_FOUND,
    episodic: past.features,
    hasExit: infoOf(model).exitAfter !== null,
    hasExperts,
  }
}

/** Of a message that is looked at; and characters that a token is taken to have, where counting them would need the tokenizer. */
const MOST_CHARACTERS = 2000
const CHARACTERS_OF_A_TOKEN = 4

const isByThreshold = (decisions: Decisions, gate: Gate): boolean => decisions[gate].by === 'threshold'

function evidenceBy(found: Evidence, decisions: Decisions): Evidence {
  const { open, by } = decisions.semantic
  if (isByThreshold(decisions, 'semantic')) return found
  return opened(found, open, by === 'forced')
}

function turnsBy({ above, offered }: PastTurns, decisions: Decisions): readonly PastTurn[] {
  if (!decisions.episodic.open) return []
  return isByThreshold(decisions, 'episodic') ? above : offered
}

function verifyBy(mode: VerifyMode, { verification }: Decisions): VerifyMode {
  if (!verification.open) return 'off'
  return mode === 'off' ? 'annotate' : mode
}

function jobBy(job: NewTurn, decisions: Decisions, output: ControllerOutput | null): NewTurn {
  const exit = decisions.early_exit.by === 'controller' ? { exit: decisions.early_exit.open } : {}
  if (!decisions.expert_bias.open || !output) return { ...job, ...exit }
  // A state that others may go on from has been read without a bias, and so has one that is found.
  return { ...job, ...exit, gates: gatesOfBias(output.experts), prefixes: null }
}

function refuseBias({ gating: { controller } }: Deps, { forced, model }: GatedTurn): void {
  const { experts } = infoOf(model)
  if (forced.expert_bias !== true || (controller && controller.experts === experts)) return
  const reason =
    experts === 0
      ? `${model.name} has no experts that take a bias`
      : `no controller is served that has a bias for the ${experts} experts of ${model.name}`
  const message = `'mneme.gates.expert_bias': expected false, for ${reason}; got true.`
  throw new ApiError(400, 'expert_bias_unsupported', message, { param: 'mneme.gates.expert_bias' })
}

function count({ metrics }: Deps, decisions: Decisions): void {
  for (const gate of GATES) {
    const { open, by } = decisions[gate]
    metrics.gates.inc({ gate, decision: open ? 'open' : 'closed', by })
  }
}

/** Decimals of a feature, in usage. */
const DECIMALS = 1e4

/** Every decision with its inputs, as usage tells it. `isRead`: notes stood in the prompt; they may not have fitted. */
export function gatesReport({ by, features, uncertainty, decisions }: TurnGates, isRead: boolean) {
  const named = FEATURE_NAMES.map((name, i) => [name, Math.round(features[i]! * DECIMALS) / DECIMALS])
  const shown = (gate: Gate): Decisions[Gate] => {
    const isNote = gate === 'semantic' || gate === 'episodic'
    return { ...decisions[gate], open: decisions[gate].open && (!isNote || isRead) }
  }
  const gates = Object.fromEntries(GATES.map((gate) => [gate, shown(gate)])) as Decisions
  return { by, uncertainty, features: Object.fromEntries(named) as Record<string, number>, ...gates }
}
