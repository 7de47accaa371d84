/** Exports what answers small talk: a bundle with a classifier whose labels are replies, calibrated on lines that training has not seen. */
import type { Imported } from '../../exporter/import/import-options.ts'
import { encoderOptions } from '../../models/architectures/sentence.ts'
import { sentenceEncoder } from '../../models/architectures/sentence-encoder.ts'
import type { Embedder } from '../../runtime/embedder.ts'
import { likeliestReplies, NOTED, NOT_TOLD, type SmallTalkEntry } from '../../runtime/small-talk.ts'
import { smallTalkLines } from '../data/small-talk/lines.ts'
import { generalReplies, smallTalkReplies } from '../data/small-talk/replies.ts'
import { fitTemperature, leastProbability } from '../evaluate/calibration.ts'
import { exportClassifier, type ClassifierExport } from './classifier.ts'
import type { Trained } from './weights.ts'

/** Of replies that are given, the share that may be another than the writer's (many fit as well), and may be of another kind. */
const [OTHERS, OTHER_KINDS] = [0.25, 0.25]

/** Writes the bundle. Throws ImportError where its graph does not run as it should, ConfigError for other labels. */
export function exportSmallTalk(trained: Trained, options: ClassifierExport): Promise<Imported> {
  const labels = smallTalkReplies()
  const general = generalReplies()
  const uncalibrated = { temperature: 1, leastProbability: 0, general, leastOfKind: 0 }
  return exportClassifier(
    trained,
    {
      encoder: sentenceEncoder.model(encoderOptions(trained.model.config)),
      labels,
      file: 'small-talk.onnx',
      uncalibrated: { smallTalk: uncalibrated },
      calibrate: async (encoder) => ({ smallTalk: await calibrated(encoder, labels, general) }),
    },
    options,
  )
}

/** The temperature, and from which probabilities on a reply and a kind's general one are given. */
async function calibrated(encoder: Embedder, labels: readonly string[], general: string[]): Promise<SmallTalkEntry> {
  const lines = smallTalkLines('heldout')
  const logits = await encoder.embed(lines.map(({ says }) => encoder.encode(says)))
  const labelled = lines.map(({ reply }, at) => ({ logits: logits[at]!, label: labels.indexOf(reply) }))
  const temperature = fitTemperature(labelled)
  const all = labelled.map(({ logits, label }) => {
    const likeliest = likeliestReplies(logits, labels, { temperature, general })
    return { likeliest, isOwn: likeliest.own.text === labels[label], isKind: likeliest.general.text === general[label] }
  })
  // These two are easily told from small talk, and no replies to it.
  const said = all.filter(({ likeliest }) => likeliest.own.text !== NOTED && likeliest.own.text !== NOT_TOLD)
  const own = said.map(({ likeliest, isOwn }) => ({ probability: likeliest.own.probability, isRight: isOwn }))
  const least = leastProbability(own, OTHERS)
  const left = said.filter(({ likeliest }) => likeliest.own.probability < least)
  const kinds = left.map(({ likeliest, isKind }) => ({ probability: likeliest.general.probability, isRight: isKind }))
  return { temperature, leastProbability: least, general, leastOfKind: leastProbability(kinds, OTHER_KINDS) }
}
