/** The texts of training data, from which tokenizers are learned. */
import { openDocuments } from '../data/corpus.ts'
import { plainReading, type Document } from '../data/document.ts'
import type { DocumentFile } from '../data/document-file.ts'
import { hubOptions } from '../data/hub/client.ts'
import { isHubName } from '../data/hub/name.ts'
import { hubDocuments, type SplitOptions } from '../data/hub/rows.ts'
import type { ReportProgress } from '../data/progress.ts'

/** Of a data set of a hub this much is looked at, from its beginning. */
const hubSampleCharacters = 32e6

export interface TextsOptions extends Pick<SplitOptions, 'split' | 'reading'> {
  readonly progress?: ReportProgress
}

/** Parts of text, in order; a part ends where a word does. */
export type Texts = AsyncIterable<string>

/** Opens files, folders and data sets of a hub, and reads the files once to check them. Throws DataError. */
export async function openTexts(
  paths: readonly string[],
  { split, reading, progress }: TextsOptions = { split: 'train', reading: plainReading },
): Promise<{ texts: Texts; notes: string[] }> {
  const sources: (string | DocumentFile[])[] = []
  const notes: string[] = []
  for (const path of paths) {
    if (isHubName(path)) {
      sources.push(path)
      continue
    }
    const found = await openDocuments([path], reading, progress)
    sources.push(found.files)
    notes.push(...found.notes)
  }
  async function* texts(): AsyncGenerator<string> {
    for (const source of sources) {
      if (typeof source === 'string') yield* hubTexts(source, { split, reading })
      else for (const file of source) yield* fileTexts(file, progress)
    }
  }
  return { texts: texts(), notes }
}

async function* fileTexts(file: DocumentFile, progress?: ReportProgress): AsyncGenerator<string> {
  for (let at = 0; at < file.size;) {
    const { document, next } = await file.read(at, file.size)
    progress?.(`counting words of ${file.name}`, at, file.size)
    at = next
    if (document !== undefined) yield textOf(document)
  }
}

async function* hubTexts(name: string, rows: Pick<SplitOptions, 'split' | 'reading'>): AsyncGenerator<string> {
  let characters = 0
  for await (const document of hubDocuments({ ...rows, name, hub: hubOptions(process.env) })) {
    const text = textOf(document)
    yield text
    characters += text.length
    if (characters >= hubSampleCharacters) return
  }
}

function textOf(document: Document): string {
  return 'text' in document ? document.text : document.messages.map(({ content }) => content).join('\n')
}
