/** Recipes with changes: `--set key=value` by dotted path, and what a continued run may not change. */
import { resolve } from 'node:path'
import { ConfigError, type Options } from '../../models/config.ts'
import { createModel } from '../../models/registry.ts'
import { recipes } from './registry.ts'
import { renamedSettings } from '../run/checkpoint-names.ts'
import { configureData, defineRecipe } from './define.ts'
import { differences } from './differences.ts'
import type { Recipe, RecipeDefinition } from './recipe.ts'

type Tree = { [key: string]: unknown }

/**
 * The recipe of that name with every `path=value` applied; values are JSON, or text where they are not. Another
 * `architecture` brings the sizes of its own small recipe, over which `model.` settings go.
 */
export function recipeWith(name: string, settings: readonly string[]): Recipe {
  return changedRecipe(knownRecipe(name), settings)
}

/** The recipe of that name. Throws ConfigError. */
export function knownRecipe(name: string): Recipe {
  const recipe = recipes.get(name)
  if (!recipe) throw new ConfigError(`recipe: expected one of ${[...recipes.keys()].join(', ')}, got ${name}`)
  return recipe
}

/** A recipe with settings changed. Throws ConfigError. */
export function changedRecipe(recipe: Recipe, settings: readonly string[]): Recipe {
  const copy = structuredClone(recipe) as unknown as Tree
  const assignments = settings.map(splitSetting)
  // Another architecture has other options: its own recipe's sizes replace this recipe's before settings are applied
  const architecture = assignments.findLast(([path]) => path === 'architecture')?.[1]
  if (typeof architecture === 'string' && architecture !== recipe.architecture)
    copy['model'] = structuredClone(recipes.get(architecture)?.model ?? {})
  // A preset brings all sizes; the recipe's own would override them
  if (assignments.some(([path, value]) => path === 'model.preset' && value !== 'none')) copy['model'] = {}
  for (const [path, value] of assignments) assign(copy, path, value)
  return defineRecipe(copy as unknown as RecipeDefinition)
}

/** Throws ConfigError where a setting that decides what a run's numbers mean is not the one that it began with. */
export function checkContinued(saved: unknown, now: unknown): void {
  for (const key of [
    'architecture',
    'model',
    'data',
    'mode',
    'batch',
    'sequenceLength',
    'accumulate',
    'carry',
    'seed',
  ] as const) {
    const [before, after] = [saved, now].map((config) => ({ [key]: partOf(config as Tree, key) }))
    const [found] = differences(before!, after!)
    if (!found) continue
    const [began, asked] = [found.one, found.other].map((value) => JSON.stringify(value) ?? 'nothing')
    throw new ConfigError(`resume: ${found.path}: the run was started with ${began}, asked for ${asked}`)
  }
}

/** `path=value` with today's name of the path; the value is JSON, or text where it is not. */
export function splitSetting(setting: string): [path: string, value: unknown] {
  const at = setting.indexOf('=')
  if (at < 1) throw new ConfigError(`--set: expected key=value, got ${setting}`)
  return [currentPath(setting.slice(0, at)), parse(setting.slice(at + 1))]
}

/** Takes a renamed setting by its former name too, with a warning. */
function currentPath(path: string): string {
  const [key, ...rest] = path.split('.') as [string, ...string[]]
  const current = renamedSettings[key]
  if (current === undefined) return path
  process.emitWarning(`--set ${key} is called ${current} now`, 'DeprecationWarning')
  return [current, ...rest].join('.')
}

/** Adds `model.OPTION=VALUE` to the changed options of a trained model. Throws ConfigError for any other setting. */
export function modelOption(setting: string, others: Options): Options {
  const [path, value] = splitSetting(setting)
  if (!path.startsWith('model.')) throw new ConfigError(`--set: expected model.OPTION=VALUE, got ${setting}`)
  return { ...others, [path.slice('model.'.length)]: value }
}

/** A setting with its parts complete: options that are newer than the run count as at their defaults. */
function partOf(config: Tree, key: string): unknown {
  if (key === 'mode') return config[key] ?? 'pretrain'
  if (key === 'data') return withoutFiles(configureData(config[key] as Recipe['data']))
  if (key !== 'model') return config[key]
  return createModel(config['architecture'] as string, config['model'] as Tree).config
}

/** Files may have been moved: what a run has read of them is compared by its hash (data/resume.ts). */
function withoutFiles(data: Recipe['data']): object {
  return data.kind === 'text' ? { ...data, files: [], heldOut: data.heldOut.map((path) => resolve(path)) } : data
}

/** Puts a value at a dotted path; below lrScales the rest of the path is one name. */
function assign(tree: Tree, path: string, value: unknown): void {
  const [key, ...rest] = path.split('.') as [string, ...string[]]
  if (rest.length === 0) {
    tree[key] = value
    return
  }
  const inner = tree[key]
  if (typeof inner !== 'object' || inner === null || Array.isArray(inner))
    throw new ConfigError(
      `--set ${path}: ${key} ${inner === undefined ? 'is no setting' : 'has no settings of its own'}`,
    )
  if (key === 'lrScales') (inner as Tree)[rest.join('.')] = value
  else assign(inner as Tree, rest.join('.'), value)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
