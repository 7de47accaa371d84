/**
 * `npx tsx tests/bench/studies/cli.ts STUDY [RUN...]`: trains and measures what is not in docs/results/STUDY yet, all
 * runs or those whose names begin so, then prints the table of what is there. A stopped run goes on where it was.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ablations } from './ablations.ts'
import { adapters } from './adapters.ts'
import { mad } from './mad.ts'
import { multiQuery, multiQueryFull } from './multi-query.ts'
import { publishedAdapters } from './published-adapters.ts'
import { retrieval } from './retrieval.ts'
import { complete, measuredOf } from './study.ts'
import { parity, rewrite } from './tracking.ts'

const studies = new Map(
  [retrieval, multiQuery, multiQueryFull, rewrite, parity, mad, adapters, publishedAdapters, ablations].map((s) => [
    s.name,
    s,
  ]),
)
const [name = '', ...runs] = process.argv.slice(2)
const study = studies.get(name)
if (!study) throw new Error(`expected one of ${[...studies.keys()].join(', ')}, got ${name}`)
complete(study, (run) => runs.length === 0 || runs.some((start) => run.startsWith(start)))
const { table, picture } = study.show(measuredOf(study))
process.stdout.write(`${study.about}\n\n${table}\n`)
if (picture) writeFileSync(join('docs', 'results', study.name, `${study.name}.svg`), picture)
