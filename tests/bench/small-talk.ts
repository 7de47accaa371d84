/**
 * How often small talk is answered by the reply that its writer gave, by one of the same kind, or by none:
 *   npx tsx tests/bench/small-talk.ts [BUNDLE] [--show]
 * BUNDLE has a classifier of replies (default: models/pretrained/small-talk). The lines are those of trainer/data/small-talk that no
 * training saw. --show prints them with what is served; "I see." stands where nothing fits.
 */
import { parseArgs } from 'node:util'
import { loadBundle } from '../../runtime/bundle.ts'
import { openLogits } from '../../runtime/classifier.ts'
import { fittingReply, likeliestReplies } from '../../runtime/small-talk.ts'
import { smallTalkLines } from '../../trainer/data/small-talk/lines.ts'
import { percent, shareOf } from '../../trainer/evaluate/interval.ts'

const { positionals, values } = parseArgs({ allowPositionals: true, options: { show: { type: 'boolean' } } })
const bundle = await loadBundle(positionals[0] ?? 'models/pretrained/small-talk')
const { classifier, smallTalk } = bundle.manifest
const labels = classifier!.labels
const encoder = await openLogits(bundle)
const lines = smallTalkLines('heldout')
const logits = await encoder.embed(lines.map(({ says }) => encoder.encode(says)))
encoder.close()

const kindOf = (reply: string): string => smallTalk!.general[labels.indexOf(reply)]!
const judged = lines.map(({ says, reply }, at) => {
  const { own, general } = likeliestReplies(logits[at]!, labels, smallTalk!)
  return { says, reply, own, general, served: fittingReply(logits[at]!, labels, smallTalk!) }
})

const rows: readonly [name: string, of: typeof judged, isRight: (one: (typeof judged)[number]) => boolean][] = [
  ["likeliest reply is the writer's", judged, ({ reply, own }) => own.text === reply],
  ['likeliest kind is its kind', judged, ({ reply, general }) => general.text === kindOf(reply)],
  ['a reply is served', judged, ({ served, own }) => served?.text === own.text],
  [
    "of these, the writer's",
    judged.filter(({ served, own }) => served?.text === own.text),
    ({ reply, own }) => own.text === reply,
  ],
  ["a kind's general one is served", judged, ({ served, own }) => served !== null && served.text !== own.text],
  [
    'of these, of its kind',
    judged.filter(({ served, own }) => served !== null && served.text !== own.text),
    ({ reply, served }) => served!.text === kindOf(reply),
  ],
]
console.log('| held-out small talk | lines | percent |\n| --- | ---: | ---: |')
for (const [name, of, isRight] of rows) {
  const { share, interval } = shareOf(of.filter(isRight).length, of.length)
  console.log(`| ${name} | ${of.length} | ${percent(share)} (${interval.map(percent).join(' to ')}) |`)
}
if (values.show)
  for (const { says, reply, served } of judged)
    console.log(`${says}\n    ${served?.text ?? 'I see.'}${served?.text === reply ? '' : `    [${reply}]`}`)
