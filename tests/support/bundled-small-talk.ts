/** The bundled small talk in this thread, as a server has it in one of its own. */
import { loadBundle } from '../../runtime/bundle.ts'
import { openLogits } from '../../runtime/classifier.ts'
import { SMALL_TALK } from '../../server/cli.ts'
import { createSmallTalk, type SmallTalk } from '../../server/critic/small-talk.ts'

export async function openSmallTalk(): Promise<{ readonly smallTalk: SmallTalk; readonly close: () => void }> {
  const bundle = await loadBundle(SMALL_TALK)
  const encoder = await openLogits(bundle, { threads: 1 })
  const embed = async (inputs: readonly unknown[]) => {
    const texts = inputs.map((input) => encoder.encode(input as string))
    return { vectors: await encoder.embed(texts), tokens: 0 }
  }
  return { smallTalk: createSmallTalk(bundle, { runtime: 'test', embed }), close: () => encoder.close() }
}
