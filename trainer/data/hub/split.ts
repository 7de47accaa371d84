/** Which files of a data set are a split: what its card says, or what their names say. */
import { extname } from 'node:path/posix'
import { DataError } from '../batch.ts'
import type { HubName } from './name.ts'

/** A configuration in a card's header. */
export interface CardConfig {
  readonly config_name?: string
  readonly default?: boolean
  readonly data_files?:
    | string
    | readonly (string | { readonly split: string; readonly path: string | readonly string[] })[]
}

export interface Listing {
  readonly configs: readonly CardConfig[]
  readonly paths: readonly string[]
}

const readable = ['.parquet', '.jsonl', '.ndjson', '.json']
/** Words in paths by which a split is known. */
const words: Readonly<Record<string, readonly string[]>> = {
  train: ['train', 'training'],
  validation: ['validation', 'valid', 'val', 'dev'],
  test: ['test', 'testing', 'eval', 'evaluation'],
}

/** The files of a split, sorted; all of one kind, parquet where there is any. Throws DataError that says what there is. */
export function splitFiles(name: HubName, { configs, paths }: Listing, split: string): string[] {
  const config = chosenConfig(name, configs)
  const files = readableOf(config === undefined ? byNames(name, paths, split) : byCard(name, config, paths, split))
  if (files.length > 0) return files
  const kinds = [...new Set(paths.map((path) => extname(path)).filter((kind) => kind !== ''))].join(', ')
  throw new DataError(
    `${name.text}: expected .parquet or .jsonl files of split ${split}, found none (${kinds || 'no files'}); the hub's own conversion is at revision refs/convert/parquet`,
  )
}

/** The configuration that the name asks for, or the only one; undefined where files are named, or the card has none. */
function chosenConfig({ text, part }: HubName, configs: readonly CardConfig[]): CardConfig | undefined {
  const usable = configs.filter(({ data_files }) => data_files !== undefined)
  if (part !== undefined) return usable.find(({ config_name }) => config_name === part)
  const chosen = usable.find((one) => one.default === true || one.config_name === 'default') ?? usable[0]
  if (usable.length > 1 && chosen === usable[0] && chosen?.default !== true && chosen?.config_name !== 'default')
    throw several(
      text,
      usable.map(({ config_name }) => config_name ?? ''),
    )
  return chosen
}

function byCard(name: HubName, { data_files }: CardConfig, paths: readonly string[], split: string): string[] {
  const entries = [data_files ?? []].flat()
  const plain = entries.filter((entry) => typeof entry === 'string')
  if (plain.length === entries.length) return ofSplit(name, matching(paths, plain), split, false)
  const named = entries.filter((entry) => typeof entry !== 'string')
  const found = named.filter((entry) => entry.split === split)
  if (found.length === 0)
    throw unknown(
      name,
      split,
      named.map((entry) => entry.split),
    )
  return matching(
    paths,
    found.flatMap(({ path }) => path),
  )
}

function byNames(name: HubName, paths: readonly string[], split: string): string[] {
  const { part } = name
  const visible = paths.filter((path) => readable.includes(extname(path)) && !/(^|\/)[._]/.test(path))
  const candidates = part === undefined ? visible : matching(visible, [part])
  if (part !== undefined && candidates.length === 0)
    throw new DataError(`${name.text}: expected a configuration or files, found none of ${part}`)
  const folders = new Set(candidates.map((path) => /^([^/]+)\/[^/]+\/\d{4}\.parquet$/.exec(path)?.[1]))
  if (folders.size > 1 && !folders.has(undefined)) throw several(name.text, [...folders] as string[])
  return ofSplit(name, candidates, split, part !== undefined)
}

/** Those of a split by name; all where no name says one, or where files were asked for by name. */
function ofSplit(name: HubName, paths: readonly string[], split: string, asked: boolean): string[] {
  const shards = new Set(paths.flatMap((path) => shardSplit(path) ?? []))
  const found = paths.filter((path) => (shards.size > 0 ? shardSplit(path) === split : says(path, split)))
  if (found.length > 0) return found
  const others =
    shards.size > 0 ? [...shards] : Object.keys(words).filter((one) => paths.some((path) => says(path, one)))
  if (split === 'train' && (asked || others.length === 0)) return [...paths]
  throw unknown(name, split, others.length > 0 ? others : ['train'])
}

/** SPLIT of SPLIT-00000-of-00004.parquet. */
function shardSplit(path: string): string | undefined {
  return /(?:^|\/)([^/]+)-\d{5}-of-\d{5}[^/]*$/.exec(path)?.[1]
}

function says(path: string, split: string): boolean {
  const any = (words[split] ?? [split]).map((word) => word.replace(/[^\w]/g, '\\$&')).join('|')
  return new RegExp(`(?:^|[/_. -])(?:${any})(?=$|[/_. \\d-])`).test(path)
}

function readableOf(paths: readonly string[]): string[] {
  const files = paths.filter((path) => readable.includes(extname(path))).toSorted()
  const parquet = files.filter((path) => extname(path) === '.parquet')
  return parquet.length > 0 ? parquet : files
}

/** The paths that a pattern means, or that are in a folder of that name. */
function matching(paths: readonly string[], patterns: readonly string[]): string[] {
  const tests = patterns.map((pattern) => new RegExp(`^${globSource(pattern)}(?:/.*)?$`))
  return paths.filter((path) => tests.some((test) => test.test(path)))
}

/** A pattern with *, **, ?, [...] and {a,b} as the source of a regular expression. */
function globSource(pattern: string): string {
  const clean = pattern.replace(/^\.?\/+|\/+$/g, '')
  return clean.replace(/\*\*\/|\*\*|\*|\?|\{[^{}]*\}|\[[^\]]*\]|[^\w/]/g, (sign) => {
    if (sign === '**/') return '(?:.*/)?'
    if (sign === '**') return '.*'
    if (sign === '*') return '[^/]*'
    if (sign === '?') return '[^/]'
    if (sign.startsWith('{')) return `(?:${sign.slice(1, -1).split(',').map(globSource).join('|')})`
    if (sign.startsWith('[') && sign.length > 1) return sign.replace(/^\[!/, '[^')
    return `\\${sign}`
  })
}

function several(name: string, configs: readonly string[]): DataError {
  return new DataError(`${name}: has the configurations ${configs.join(', ')}; say which, as in ${name}:${configs[0]}`)
}

function unknown({ text }: HubName, split: string, splits: readonly string[]): DataError {
  return new DataError(`${text}: has no split ${split}; there are ${[...new Set(splits)].join(', ')}`)
}
