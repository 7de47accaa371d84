/**
 * Quality against depth: what a text costs where an early exit decides the tokens that it is sure of.
 *   npx tsx tests/bench/exit-quality.ts BUNDLE FILE [THRESHOLDS=0.9,0.8,0.6,0.4,0.2,0] [WINDOW=512]
 * FILE is plain text that the model was not trained on, read in windows from zero state. Each token is predicted by the exit
 * where its margin is above the threshold, as in a reply of WINDOW tokens, and else by the last layer. "Same" is how often the
 * likeliest token is that of the last layer. The state is that of the whole model, as in serving.
 */
import { readFile } from 'node:fs/promises'
import { createModel } from '../../models/registry.ts'
import { decoderOf, loadBundle } from '../../runtime/bundle.ts'
import { openDecoder } from '../../runtime/decoder.ts'
import { openText } from '../../runtime/text.ts'
import { marginOf, thresholdAt } from '../../server/engine/exit-drafter.ts'

const [folder, file, listed = '0.9,0.8,0.6,0.4,0.2,0', length = '512'] = process.argv.slice(2)
if (folder === undefined || file === undefined)
  throw new Error('usage: exit-quality.ts BUNDLE FILE [THRESHOLDS] [WINDOW]')
const thresholds = [Infinity, ...listed.split(',').map(Number)]
const window = Number(length)

const bundle = await loadBundle(folder)
const { architecture, config, state, graphs, early } = bundle.manifest
if (!early) throw new Error(`${folder}: expected a bundle with an early stage`)
const depth = createModel(architecture, config).layers
const whole = await openDecoder(bundle.path(decoderOf(bundle.manifest).file), state)
const stage = await openDecoder(
  bundle.path(graphs['early']!.file),
  state.filter(({ name }) => early.state.includes(name)),
)
const text = await readFile(file, 'utf8')
const ids = openText(bundle.dir).encode(text)

const totals = thresholds.map(() => ({ bits: 0, byExit: 0, same: 0 }))
let exitBits = 0
let predicted = 0
for (let from = 0; from + 1 < ids.length; from += window) {
  const piece = ids.slice(from, from + window + 1)
  const read = piece.slice(0, -1)
  const [last, exit] = await Promise.all(
    [whole, stage].map(async (decoder) => (await decoder.run([read], decoder.start(1))).logits.data as Float32Array),
  )
  for (let at = 0; at < read.length; at++) {
    const row = (logits: Float32Array): Float32Array => logits.subarray(at * whole.vocab, (at + 1) * whole.vocab)
    const [deep, shallow, next] = [row(last!), row(exit!), piece[at + 1]!]
    const margin = marginOf(shallow)
    const isSame = likeliest(deep) === likeliest(shallow)
    const [deepBits, shallowBits] = [bitsOf(deep, next), bitsOf(shallow, next)]
    exitBits += shallowBits
    predicted++
    for (const [i, threshold] of thresholds.entries()) {
      const byExit = margin > thresholdAt(threshold, at, window)
      totals[i]!.bits += byExit ? shallowBits : deepBits
      totals[i]!.byExit += byExit ? 1 : 0
      totals[i]!.same += byExit && !isSame ? 0 : 1
    }
  }
}

function likeliest(logits: Float32Array): number {
  return logits.indexOf(logits.reduce((a, b) => Math.max(a, b)))
}

function bitsOf(logits: Float32Array, id: number): number {
  const most = logits.reduce((a, b) => Math.max(a, b))
  const sum = logits.reduce((all, logit) => all + Math.exp(logit - most), 0)
  return (Math.log(sum) - (logits[id]! - most)) / Math.LN2
}

// The first token of the file is not predicted; its bytes are a rounding of the total
const bytes = Buffer.byteLength(text)
console.log(`${file}: ${predicted} tokens, ${bytes} bytes, exit after layer ${early.after} of ${depth}\n`)
console.log('| threshold | by the exit | layers a token | bits a byte | same as the last layer |')
console.log('| ---: | ---: | ---: | ---: | ---: |')
for (const [i, { bits, byExit, same }] of totals.entries()) {
  const share = byExit / predicted
  const mean = depth - (depth - early.after) * share
  const name = thresholds[i] === Infinity ? 'none' : thresholds[i]
  console.log(
    `| ${name} | ${(100 * share).toFixed(1)} % | ${mean.toFixed(2)} | ${(bits / bytes).toFixed(3)} | ${((100 * same) / predicted).toFixed(1)} % |`,
  )
}
console.log(`| exit always | 100 % | ${early.after.toFixed(2)} | ${(exitBits / bytes).toFixed(3)} | |`)
whole.close()
stage.close()
