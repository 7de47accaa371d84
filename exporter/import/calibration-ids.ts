/** Token ids of the texts on which keys and values in fewer bits are measured. */
import { type TextCodec, TextError } from '../../runtime/text.ts'
import { CALIBRATION_TEXT, MEASURED_TEXT } from '../calibration-text.ts'
import type { KvTexts } from '../kv-cost.ts'

/** Tokens of each text. All logits of the one on which the cost is measured are held at once. */
const MOST = { plain: 512, chat: 256, measured: 256 }
/** Different steps of a walk through the vocabulary. */
const STEPS = { plain: 7919, measured: 104_729 }
/** Characters of the chat's answer. */
const ANSWER = 300

/**
 * Ids of the texts. The first calibrates twice: as it is, and as a chat with the special tokens of the model's template, whose
 * keys and values are often the largest. Of a model that came without a tokenizer, ids from all over its vocabulary.
 */
export function calibrationIds(
  codec: Pick<TextCodec, 'encode' | 'chat' | 'vocabSize'>,
  maxPositions: number | null,
): KvTexts {
  const sliced = (ids: readonly number[], kind: keyof typeof MOST): number[] =>
    ids.slice(0, Math.min(MOST[kind], maxPositions ?? Infinity))
  const ids = (kind: keyof typeof STEPS, text: string): number[] => {
    const encoded = codec.encode(text)
    if (encoded.length > 1) return sliced(encoded, kind)
    return sliced(
      Array.from({ length: MOST[kind] }, (_, i) => (i * STEPS[kind] + 11) % codec.vocabSize),
      kind,
    )
  }
  const chat = sliced(chatIds(codec), 'chat')
  return {
    calibration: [ids('plain', CALIBRATION_TEXT), ...(chat.length > 0 ? [chat] : [])],
    measured: ids('measured', MEASURED_TEXT),
  }
}

/** The end of the text as a question, its beginning as the answer; nothing where there is no template that takes them. */
function chatIds(codec: Pick<TextCodec, 'chat'>): number[] {
  const messages = [
    { role: 'user', content: CALIBRATION_TEXT.slice(CALIBRATION_TEXT.length / 2) },
    { role: 'assistant', content: CALIBRATION_TEXT.slice(0, ANSWER) },
  ] as const
  try {
    return codec.chat(messages, { continued: false, generate: false })
  } catch (error) {
    if (error instanceof TextError) return []
    throw error
  }
}
