/** Where the time of a process went, from the files that --cpu-prof writes: one for each thread. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string }
    readonly children?: readonly number[]
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** The functions that took most time of their own, in microseconds a token. */
export function profileTable(folder: string, tokens: number, most = 25): string {
  const own = new Map<string, number>()
  for (const file of readdirSync(folder)) {
    const profile = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile
    const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
    for (const [i, id] of profile.samples.entries()) {
      const name = names.get(id) ?? '?'
      own.set(name, (own.get(name) ?? 0) + (profile.timeDeltas[i] as number))
    }
  }
  const sorted = [...own].filter(([name]) => !/^\((idle|program|root)\)/.test(name)).toSorted((a, b) => b[1] - a[1])
  const lines = sorted.slice(0, most).map(([name, us]) => `| ${name} | ${(us / tokens).toFixed(1)} |`)
  return ['| function | us a token |', '|---|---:|', ...lines].join('\n')
}

function nameOf({ functionName, url }: Profile['nodes'][number]['callFrame']): string {
  const file = url.split('/').slice(-2).join('/')
  return `${functionName === '' ? '(anonymous)' : functionName} ${file}`.trim()
}
