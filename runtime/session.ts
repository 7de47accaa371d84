/** Sessions of ONNX Runtime's C API: a model, loaded for one device. */
import { appendDevice } from './device.ts'
import type { GraphOptions } from './graph.ts'
import type { Library, Pointer } from './library.ts'

const optimizationLevels = { disabled: 0, basic: 1, all: 99 } as const

/** Returns a session; ReleaseSession gives it back. Throws RuntimeError if the model is refused or the device not there. */
export function openSession(
  library: Library,
  environment: Pointer,
  model: Uint8Array | string,
  options: GraphOptions,
): Pointer {
  const settings = sessionSettings(library, options)
  try {
    if (typeof model === 'string') {
      return library.made('CreateSession', environment, library.pathBytes(model), settings)
    }
    return library.made('CreateSessionFromArray', environment, model, model.byteLength, settings)
  } finally {
    library.ReleaseSessionOptions(settings)
  }
}

/** The same on another thread; `model` must not change meanwhile. */
export async function openSessionElsewhere(
  library: Library,
  environment: Pointer,
  model: Uint8Array,
  options: GraphOptions,
): Promise<Pointer> {
  const settings = sessionSettings(library, options)
  try {
    return await library.createSessionElsewhere(environment, model, model.byteLength, settings)
  } finally {
    library.ReleaseSessionOptions(settings)
  }
}

/** The options of a session, to be released. */
function sessionSettings(library: Library, options: GraphOptions): Pointer {
  const settings = library.made('CreateSessionOptions')
  try {
    library.SetIntraOpNumThreads(settings, options.threads ?? 1)
    library.SetSessionGraphOptimizationLevel(settings, optimizationLevels[options.optimization ?? 'all'])
    for (const [key, value] of configEntries(options)) library.AddSessionConfigEntry(settings, key, value)
    appendDevice(library, settings, options)
    return settings
  } catch (error) {
    library.ReleaseSessionOptions(settings)
    throw error
  }
}

function configEntries(options: GraphOptions): [key: string, value: string][] {
  const entries: [string, string][] = [['session.use_env_allocators', '1']]
  if (options.spin !== undefined) entries.push(['session.intra_op.allow_spinning', options.spin ? '1' : '0'])
  if (options.disabledOptimizers?.length) {
    entries.push(['optimization.disable_specified_optimizers', options.disabledOptimizers.join(';')])
  }
  return entries
}
