/** The encoder after the rules. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { checkReply } from '../../../server/critic/check-reply.ts'
import { createClaimEncoder, criticOf, type ClaimEncoder } from '../../../server/critic/encoder/claim-encoder.ts'
import { encodeVerdicts } from '../../../server/critic/encoder/encode-verdicts.ts'
import { startEmbedderThread, type OpenEmbedder } from '../../../server/embedding/embedders.ts'
import type { EmbeddingInput } from '../../../server/embedding/messages.ts'
import { createLog } from '../../../server/log.ts'
import { loadBundle, type Bundle } from '../../../runtime/bundle.ts'
import { openLogits } from '../../../runtime/classifier.ts'
import { overallOf, ruledAndEncoded } from '../../support/critic-encoder-tally.ts'
import { readCriticItems } from '../../support/critic-items.ts'

const NOTES = [{ id: 'n1', text: 'Olives are disgusting to me.' }]
const QUESTION = 'What about olives?'

/** A bundle with these labels; a critic of ours where it is calibrated. */
function bundleOf(labels: string[], critic?: Bundle['manifest']['critic']): Pick<Bundle, 'manifest'> {
  const classifier = { task: 'sequence', labels, activation: 'softmax', maxTokens: 128 }
  return { manifest: { name: 'nli', classifier, ...(critic && { critic }) } } as unknown as Pick<Bundle, 'manifest'>
}

/** Gives every pair the same logits, and keeps what it was asked. */
function fixed(logits: readonly number[]): { open: OpenEmbedder; asked: EmbeddingInput[] } {
  const asked: EmbeddingInput[] = []
  return {
    asked,
    open: {
      runtime: 'fixed',
      async embed(inputs) {
        asked.push(...inputs)
        return { vectors: inputs.map(() => Float32Array.from(logits)), tokens: 0 }
      },
    },
  }
}

const OURS = { temperature: 1, leastProbability: 0.7, readsQuestion: true }
const NLI = ['contradiction', 'neutral', 'entailment']
const verdictsOf = (encoder: ClaimEncoder, reply: string) => {
  const checked = { question: QUESTION, reply, facts: [], notes: NOTES }
  return encodeVerdicts(encoder, 'owner', checked, checkReply(checked))
}

test('a sentence that no rule reads is decided by the encoder, with its probability and what it rests on', async () => {
  const { open, asked } = fixed([0, 5, 0])
  const encoder = createClaimEncoder(bundleOf(['supported', 'contradicted', 'unchecked'], OURS), open)
  const [verdict] = await verdictsOf(encoder, 'You adore olives.')
  expect(verdict).toMatchObject({ verdict: 'contradicted', facts: ['n1'], probability: expect.closeTo(0.987, 2) })
  expect(asked).toEqual([{ first: NOTES[0]!.text, second: `${QUESTION} | You adore olives.` }])
})

test('an imported classifier reads the sentence as the user would say it, and its labels by their names', async () => {
  const { open, asked } = fixed([0, 0, 6])
  const [verdict] = await verdictsOf(createClaimEncoder(bundleOf(NLI), open), 'You find olives awful.')
  expect(verdict).toMatchObject({ verdict: 'supported' })
  expect(asked).toEqual([{ first: NOTES[0]!.text, second: 'I find olives awful.' }])
})

test('where the encoder is not sure the sentence stays unchecked', async () => {
  const { open } = fixed([1, 1, 1])
  const [verdict] = await verdictsOf(createClaimEncoder(bundleOf(NLI), open), 'You adore olives.')
  expect(verdict).toMatchObject({ verdict: 'unchecked', facts: [] })
})

test('greetings, questions and what the rules have decided are not read', async () => {
  const { open, asked } = fixed([9, 0, 0])
  const encoder = createClaimEncoder(bundleOf(NLI), open)
  const facts = [
    {
      id: 'f1',
      subject: 'user',
      attribute: 'locker code',
      value: '4071',
      text: 'My locker code is 4071.',
      holds: true,
    },
  ]
  const checked = {
    question: 'What is my locker code?',
    reply: 'Hello! Your locker code is 4071. May I ask why?',
    facts,
  }
  const verdicts = await encodeVerdicts(encoder, 'owner', checked, checkReply(checked))
  expect(verdicts.map(({ verdict }) => verdict)).toEqual(['unchecked', 'supported', 'unchecked'])
  expect(asked).toEqual([])
})

test('labels that are none of a critic are refused', () => {
  expect(() => criticOf(bundleOf(['joy', 'anger', 'fear']))).toThrow(
    '--critic: nli: expected the labels entailment, contradiction and neutral, got joy, anger, fear',
  )
})

test('a thread that dies of a sentence makes it an error, and the next one is read by a new thread', async () => {
  const entry = new URL('../../support/crashing-embedder-thread.ts', import.meta.url)
  const thread = startEmbedderThread(entry, createLog('silent'))
  onTestFinished(() => thread.close())
  const encoder = createClaimEncoder(bundleOf(NLI), await thread.open('folder', 1))
  const [failed] = await verdictsOf(encoder, 'You adore crash.')
  expect(failed).toMatchObject({
    verdict: 'error',
    facts: [],
    reason: "the encoder failed: the embedders' thread has ended",
  })
  const [read] = await verdictsOf(encoder, 'You adore olives.')
  expect(read?.verdict).toBe('supported')
})

test('the bundled encoder after the rules: "contradicted" has an F1 of .85 and more on items that neither has seen', async () => {
  const bundle = await loadBundle(join(import.meta.dirname, '../../../models/pretrained/critic'))
  const local = { encoder: await openLogits(bundle, { threads: 1 }), entry: bundle.manifest.critic! }
  const fixtures = join(import.meta.dirname, '../../fixtures/critic')
  const items = ['held-out.jsonl', 'everyday.jsonl'].flatMap((file) =>
    readCriticItems(readFileSync(join(fixtures, file), 'utf8')),
  )
  const counts = { both: 0, said: 0, there: 0 }
  for (const item of items) {
    const isSaid = overallOf(await ruledAndEncoded(local, item)) === 'contradicted'
    const isThere = item.expected === 'contradicted'
    counts.said += Number(isSaid)
    counts.there += Number(isThere)
    counts.both += Number(isSaid && isThere)
  }
  local.encoder.close()
  expect(items.length).toBeGreaterThanOrEqual(200)
  expect((2 * counts.both) / (counts.said + counts.there)).toBeGreaterThan(0.85)
})
