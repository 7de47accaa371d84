/**
 * How often the bundled model answers small talk as a person would: npx tsx tests/bench/small-talk.ts [MODEL] [--show]
 * MODEL is a bundle, a run or a checkpoint (default: models/pretrained/keeper). What is said are the lines of
 * trainer/data/keeper/small-talk.jsonl that no training saw, to a new session and to one that was told eight facts; a reply is
 * exact when it is the writer's own. As many lines of the training are counted as well. --show prints the replies of new sessions.
 */
import { parseArgs } from 'node:util'
import { attributes } from '../../trainer/data/keeper/attributes.ts'
import { tellTurn } from '../../trainer/data/keeper/chat.ts'
import type { SmallTalk } from '../../trainer/data/keeper/filler.ts'
import { writtenLines } from '../../trainer/data/keeper/small-talk.ts'
import { drawValue } from '../../trainer/data/keeper/values.ts'
import { DecoderAnswerer } from '../../trainer/evaluate/decoder-answerer.ts'
import { percent, shareOf } from '../../trainer/evaluate/interval.ts'
import type { Answerer } from '../../trainer/evaluate/keeper.ts'
import { openModel } from '../../trainer/evaluate/model.ts'
import { Random } from '../../trainer/random.ts'

const { positionals, values } = parseArgs({ allowPositionals: true, options: { show: { type: 'boolean' } } })
const open = await openModel(positionals[0] ?? 'models/pretrained/keeper', { set: {}, freeze: '' })

/** A session that was told facts, another one at each call. */
async function told(random: Random, facts: number): Promise<Answerer> {
  const session = new DecoderAnswerer(open.decoder, open.codec)
  for (const attribute of random.shuffle([...attributes]).slice(0, facts)) {
    const { user, reply } = tellTurn(random, [{ attribute, value: drawValue(random, attribute.kind, 'heldout') }])
    await session.hear(user, reply)
  }
  return session
}

/** Prints how many replies are the writers' own, and with `show` each of them. */
async function measure(lines: readonly SmallTalk[], facts: number, name: string, show = false): Promise<void> {
  const random = new Random(1)
  let exact = 0
  for (const { user, reply } of lines) {
    const given = await (await told(random, facts)).say(user)
    if (given === reply) exact++
    if (show) console.log(`${given === reply ? '=' : ' '} ${user}\n    ${given}`)
  }
  const { share, interval } = shareOf(exact, lines.length)
  console.log(`| ${name} | ${lines.length} | ${percent(share)} (${interval.map(percent).join(' to ')}) |`)
}

try {
  const heldOut = writtenLines('heldout')
  console.log('| small talk | lines | exact, percent |\n| --- | ---: | ---: |')
  await measure(heldOut, 0, 'held out, new session', values.show)
  await measure(heldOut, 8, 'held out, after 8 facts')
  await measure(writtenLines('train').slice(0, heldOut.length), 0, 'of the training, new session')
} finally {
  open.decoder.close()
}
