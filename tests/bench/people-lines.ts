/**
 * People's lines that are kept aside from the training of the embedder (trainer/data/sentences/people.jsonl): in which place
 * each question finds the telling that answers it among all of them, and whether it is nearer to it than a near question.
 *   npx tsx tests/bench/people-lines.ts [BUNDLE...]
 */
import { loadBundle } from '../../runtime/bundle.ts'
import { openEmbedder } from '../../runtime/embedder.ts'
import { DEFAULT_EMBEDDER } from '../../server/cli.ts'
import { peopleLines, textsOfLine } from '../../trainer/data/sentences/people.ts'
import { percent } from '../../trainer/evaluate/interval.ts'

const lines = peopleLines('heldout')
const questions = lines.flatMap(({ asks }, line) => asks.map((text) => ({ text, line })))
const folders = process.argv.slice(2)

console.log(`${lines.length} tellings, ${questions.length} questions\n`)
console.log('| | recall@1 | recall@5 | mean place | question before near question |\n|---|---|---|---|---|')
for (const folder of folders.length > 0 ? folders : [DEFAULT_EMBEDDER]) {
  const cosine = await cosines(folder)
  const places = questions.map(({ text, line }) => {
    const own = cosine(text, lines[line]!.told)
    return 1 + lines.filter(({ told }) => cosine(text, told) > own).length
  })
  const wins = lines.flatMap(({ told, asks, near }) =>
    asks.flatMap((ask) => near.map((other) => cosine(ask, told) > cosine(other, told))),
  )
  const first = (most: number): string => percent(places.filter((place) => place <= most).length / places.length)
  const mean = places.reduce((sum, place) => sum + place, 0) / places.length
  const won = percent(wins.filter(Boolean).length / wins.length)
  console.log(`| ${folder} | ${first(1)} | ${first(5)} | ${mean.toFixed(2)} | ${won} |`)
}

async function cosines(folder: string): Promise<(one: string, other: string) => number> {
  const embedder = await openEmbedder(await loadBundle(folder))
  const vectors = new Map<string, Float32Array>()
  for (const text of lines.flatMap(textsOfLine))
    if (!vectors.has(text)) vectors.set(text, (await embedder.embed([embedder.encode(text)]))[0]!)
  embedder.close()
  return (one, other) => {
    const [a, b] = [vectors.get(one)!, vectors.get(other)!]
    return a.reduce((sum, x, at) => sum + x * b[at]!, 0)
  }
}
