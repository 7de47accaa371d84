/** A source on this machine: models of the hub are brought here first. */
import { nameOf } from './import-options.ts'
import { fetchHubModel, hubOptions, isHubModelName } from './sources/hub/hub.ts'

export interface LocalSource {
  /** A folder, or a .gguf or .onnx file. */
  readonly path: string
  /** What the model is called. */
  readonly name: string
}

/** `source` is a folder, a file, or hf:OWNER/NAME[@REVISION][:FILE]. `say` gets lines about what takes time. */
export async function localSource(source: string, say: (line: string) => void): Promise<LocalSource> {
  if (!isHubModelName(source)) return { path: source, name: nameOf(source) }
  let tenth = 0
  const { path } = await fetchHubModel(source, {
    ...hubOptions(process.env),
    onNote: say,
    onProgress({ file, received, size }) {
      const now = Math.floor((10 * received) / Math.max(1, size))
      if (now !== tenth) say(`downloading ${file}: ${10 * now} %`)
      tenth = now
    },
  })
  const [model = '', file = ''] = source
    .replace(/^hf:/, '')
    .replace(/@[^:]*/, '')
    .split(':')
  return { path, name: nameOf(file.endsWith('.gguf') ? file : model) }
}
