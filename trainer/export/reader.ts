/** Exports the reader of memories: a bundle with a classifier of pairs. */
import type { Imported } from '../../exporter/import/import-options.ts'
import { readerEncoder } from '../../models/architectures/reader-encoder.ts'
import { readerOptions } from '../../models/architectures/reader.ts'
import { READER_LABELS } from '../../runtime/reader.ts'
import { exportClassifier, type ClassifierExport } from './classifier.ts'
import type { Trained } from './weights.ts'

/** Writes the bundle. Throws ImportError where its graph does not run as it should, ConfigError for other labels. */
export function exportReader(trained: Trained, options: ClassifierExport): Promise<Imported> {
  return exportClassifier(
    trained,
    {
      encoder: readerEncoder.model(readerOptions(trained.model.config)),
      labels: READER_LABELS,
      file: 'reader.onnx',
      uncalibrated: {},
      // Its logits are weighed with what else is known of a pair, by weights that are fitted.
      calibrate: () => Promise.resolve({}),
    },
    options,
  )
}
