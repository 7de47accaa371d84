/** Token ids of the texts on which keys and values in fewer bits are measured. */
import type { TextCodec } from '../../runtime/text.ts'
import { CALIBRATION_TEXT, MEASURED_TEXT } from '../calibration-text.ts'
import type { KvTexts } from '../kv-cost.ts'

/** Tokens of the text that calibrates, and of the one on which the cost is measured: all its logits are held at once. */
const MOST = { calibration: 512, measured: 256 }
/** Different steps of a walk through the vocabulary. */
const STEPS = { calibration: 7919, measured: 104_729 }

/** Ids of the texts; of a model that came without a tokenizer, ids from all over its vocabulary. */
export function calibrationIds(codec: Pick<TextCodec, 'encode' | 'vocabSize'>, maxPositions: number | null): KvTexts {
  const ids = (kind: keyof typeof MOST, text: string): number[] => {
    const most = Math.min(MOST[kind], maxPositions ?? Infinity)
    const encoded = codec.encode(text)
    if (encoded.length > 1) return encoded.slice(0, most)
    return Array.from({ length: most }, (_, i) => (i * STEPS[kind] + 11) % codec.vocabSize)
  }
  return { calibration: ids('calibration', CALIBRATION_TEXT), measured: ids('measured', MEASURED_TEXT) }
}
