/** Exports the reader of memories: a bundle with a classifier of pairs, calibrated on pairs that training has not seen. */
import type { Imported } from '../../exporter/import/import-options.ts'
import { readerEncoder } from '../../models/architectures/reader-encoder.ts'
import { readerOptions } from '../../models/architectures/reader.ts'
import type { Embedder } from '../../runtime/embedder.ts'
import { READER_LABELS } from '../../runtime/reader.ts'
import { drawPair } from '../data/reading/pairs.ts'
import { fitTemperature, type Labelled } from '../evaluate/calibration.ts'
import { Random } from '../random.ts'
import { exportClassifier, type ClassifierExport } from './classifier.ts'
import type { Trained } from './weights.ts'

const CALIBRATION_PAIRS = 2000
/** Pairs that are read at once. */
const BATCH = 50

/** Writes the bundle. Throws ImportError where its graph does not run as it should, ConfigError for other labels. */
export function exportReader(trained: Trained, options: ClassifierExport): Promise<Imported> {
  return exportClassifier(
    trained,
    {
      encoder: readerEncoder.model(readerOptions(trained.model.config)),
      labels: READER_LABELS,
      file: 'reader.onnx',
      uncalibrated: {},
      calibrate: async (encoder) => ({ reader: { temperature: fitTemperature(await heldOutPairs(encoder)) } }),
    },
    options,
  )
}

/** Pairs of the part that no run has seen: the logits of what may be said of each, and which of both is right. */
async function heldOutPairs(encoder: Pick<Embedder, 'encodePair' | 'embed'>): Promise<Labelled[]> {
  const random = new Random('calibration of the reader')
  const pairs = Array.from({ length: CALIBRATION_PAIRS }, () => drawPair(random, 'heldout'))
  const labelled: Labelled[] = []
  for (let from = 0; from < pairs.length; from += BATCH) {
    const batch = pairs.slice(from, from + BATCH)
    const logits = await encoder.embed(batch.map(({ first, second }) => encoder.encodePair(first, second)))
    for (const [at, { label }] of batch.entries()) {
      const right = READER_LABELS.indexOf(label)
      const first = right - (right % 2)
      labelled.push({ logits: [logits[at]![first]!, logits[at]![first + 1]!], label: right % 2 })
    }
  }
  return labelled
}
