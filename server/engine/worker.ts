/** Entry of an engine thread: opens bundles, each as an engine on a port of its own. */
import { openModel, type ModelOptions } from './open-model.ts'
import { runEngines } from './serve-engine.ts'

runEngines((payload) => openModel(payload as ModelOptions))
