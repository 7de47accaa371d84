/** The classifier of a bundle as a function: texts, or pairs of them, in; a score for each label out. */
import type { Bundle, ClassifierEntry } from './bundle.ts'
import { callsOf, paddedInputs, type Embedder, type VectorGraph } from './embedder.ts'
import { RuntimeError } from './errors.ts'
import type { GraphOptions } from './graph.ts'
import { ManifestError } from './manifest.ts'
import { openGraph } from './open-graph.ts'
import type { EncodedText } from './post-processor.ts'
import { openSentenceTokenizer } from './sentence-tokenizer.ts'
import { createTensor } from './tensor.ts'

/** A text, or a pair such as a premise and a hypothesis. */
export type ClassifiedText = string | readonly [first: string, second: string]
/** A score for each label, in the order of the model's labels. */
export type Scores = Readonly<Record<string, number>>

export interface TokenScores {
  readonly id: number
  readonly scores: Scores
}

export interface Classifier {
  readonly task: ClassifierEntry['task']
  readonly labels: readonly string[]
  readonly maxTokens: number
  /** What a text is read as; the longer part of a pair is cut first. */
  encode(text: ClassifiedText): EncodedText & { readonly truncated: boolean }
  /** Scores of whole texts. Throws RuntimeError for a classifier of tokens. */
  classify(texts: readonly ClassifiedText[]): Promise<Scores[]>
  /** Scores of each token, special ones included. Throws RuntimeError for a classifier of whole texts. */
  classifyTokens(texts: readonly ClassifiedText[]): Promise<TokenScores[][]>
  close(): void
}

/** Opens the classifier of a bundle. Throws ManifestError where it has none. */
export async function openClassifier(bundle: Bundle, options: GraphOptions = {}): Promise<Classifier> {
  const { graphs, classifier, name } = bundle.manifest
  if (!graphs.classifier || !classifier)
    throw new ManifestError(
      `${name}: expected a bundle with a classifier, got one without; import a classifier of texts`,
    )
  const { task, labels, activation, maxTokens } = classifier
  const tokenizer = openSentenceTokenizer(bundle.dir, maxTokens)
  const encode: Classifier['encode'] = (text) =>
    typeof text === 'string' ? tokenizer.encode(text) : tokenizer.encodePair(...text)
  const graph = await openLogitsGraph(bundle.path(graphs.classifier.file), { task, labels: labels.length }, options)
  const named = (logits: Float32Array): Scores => {
    const scores = activate(activation, logits)
    return Object.fromEntries(labels.map((label, i) => [label, scores[i]!]))
  }
  const expect = (wanted: ClassifierEntry['task'], what: string): void => {
    if (task !== wanted) throw new RuntimeError(`${name}: expected a classifier of ${what}, got one of another kind`)
  }
  return {
    task,
    labels,
    maxTokens,
    encode,
    async classify(texts) {
      expect('sequence', 'whole texts')
      return (await graph.embed(texts.map(encode))).map(named)
    },
    async classifyTokens(texts) {
      expect('token', 'tokens')
      const encoded = texts.map(encode)
      const logits = await graph.embed(encoded)
      return encoded.map(({ ids }, at) =>
        ids.map((id, t) => ({ id, scores: named(logits[at]!.subarray(t * labels.length, (t + 1) * labels.length)) })),
      )
    },
    close: () => graph.close(),
  }
}

/** The classifier of whole texts in a bundle, its logits as vectors. Throws ManifestError where there is none. */
export async function openLogits(bundle: Bundle, options: GraphOptions = {}): Promise<Embedder> {
  const { graphs, classifier, name, tokenizer } = bundle.manifest
  if (!graphs.classifier || classifier?.task !== 'sequence')
    throw new ManifestError(`${name}: expected a bundle with a classifier of whole texts, got one without`)
  const sizes = { task: classifier.task, labels: classifier.labels.length }
  return {
    width: sizes.labels,
    maxTokens: classifier.maxTokens,
    vocab: tokenizer.vocab,
    ...openSentenceTokenizer(bundle.dir, classifier.maxTokens),
    ...(await openLogitsGraph(bundle.path(graphs.classifier.file), sizes, options)),
  }
}

/** Opens the file of a classifier: logits of each text, or of all tokens of each, one after the other. */
export async function openLogitsGraph(
  file: string,
  { task, labels }: { readonly task: ClassifierEntry['task']; readonly labels: number },
  options: GraphOptions = {},
): Promise<VectorGraph> {
  const graph = await openGraph(file, options)
  const run = async (texts: readonly EncodedText[]): Promise<Float32Array[]> => {
    const inputs = paddedInputs(texts)
    const positions = task === 'token' ? inputs.ids.dims[1]! : 1
    const dims = task === 'token' ? [texts.length, positions, labels] : [texts.length, labels]
    const logits = createTensor('float32', dims)
    const binding = graph.bind(inputs, { logits })
    try {
      await binding.run()
    } finally {
      binding.release()
    }
    return texts.map(({ ids }, row) => {
      const from = row * positions * labels
      return logits.data.slice(from, from + (task === 'token' ? ids.length : 1) * labels)
    })
  }
  return {
    async embed(texts) {
      const found: Float32Array[] = Array.from({ length: texts.length })
      for (const call of callsOf(texts))
        for (const [i, logits] of (await run(call.map((at) => texts[at]!))).entries()) found[call[i]!] = logits
      return found
    },
    close: () => graph.close(),
  }
}

/** Scores of logits: shares of one, each for itself, or the logits as they are. */
export function activate(activation: ClassifierEntry['activation'], logits: Float32Array): number[] {
  if (activation === 'none') return [...logits]
  if (activation === 'sigmoid') return Array.from(logits, (x) => 1 / (1 + Math.exp(-x)))
  const most = Math.max(...logits)
  const weights = Array.from(logits, (x) => Math.exp(x - most))
  const sum = weights.reduce((a, b) => a + b, 0)
  return weights.map((weight) => weight / sum)
}
