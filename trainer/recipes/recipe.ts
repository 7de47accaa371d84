/** A recipe: everything that a training run is, as plain data that can be printed, saved, read and changed. */
import type { Options, TreeConfigOf } from '../../models/config.ts'
import type { Stage } from '../data/keeper/dataset.ts'
import type { TaskSource } from '../data/tasks/dataset.ts'
import type { dataSettings, settings } from './fields.ts'

/** Text: files and folders, rows or shards, or a data set of a hub. */
export type TextSource = { readonly kind: 'text' } & TreeConfigOf<typeof dataSettings.text>

/** Generated chats in which facts are told, corrected and asked (data/keeper). */
export interface KeeperSource {
  readonly kind: 'keeper'
  readonly stages: readonly Stage[]
}

/** Sentences to compare (data/sentences). */
export interface SentencesSource {
  readonly kind: 'sentences'
  /** With texts and their vectors, as trainer/embedder/start.ts writes it. */
  readonly folder: string
}

/** Generated conversations with notes about the user (data/notes). */
export interface NotesSource {
  readonly kind: 'notes'
}

/** Sentences of replies and what they hold by (data/claims). */
export interface ClaimsSource {
  readonly kind: 'claims'
  /** A file of judged answers; without, claims are generated. */
  readonly judged: string
}

/** Small talk with replies that fit it (data/small-talk). */
export interface SmallTalkSource {
  readonly kind: 'small-talk'
}

/** Questions and what was told, what was told and what was told later (data/reading). */
export interface ReadingSource {
  readonly kind: 'reading'
}

export type Settings = TreeConfigOf<typeof settings>

export interface Recipe extends Settings {
  readonly name: string
  readonly about: string
  readonly architecture: string
  /** Options of the architecture; the vocabulary comes from the tokenizer. */
  readonly model: Options
  readonly data:
    | TextSource
    | KeeperSource
    | NotesSource
    | SentencesSource
    | ClaimsSource
    | ReadingSource
    | SmallTalkSource
    | TaskSource
}

type Partly<T> = { readonly [K in keyof T]?: T[K] extends object ? Partly<T[K]> : T[K] }

/** What a recipe says; everything else is at its default. */
export type RecipeDefinition = Pick<Recipe, 'name' | 'about' | 'architecture' | 'model' | 'data'> &
  Partly<Omit<Settings, 'lrScales'>> &
  Partial<Pick<Settings, 'lrScales'>>
