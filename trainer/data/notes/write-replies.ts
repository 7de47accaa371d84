/**
 * Writes replies.jsonl: what the base model itself says to plain prompts, greedily, so that an adapter learns to go on
 * saying it. `npx tsx trainer/data/notes/write-replies.ts URL MODEL`, with the URL of a server that has the base
 * (`npm start -- bundles/smollm2`).
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { plainPrompts } from './plain.ts'
import { packageRoot } from '../../../runtime/package.ts'
import { type PlainReply, repliesFile } from './replies.ts'

const MOST_TOKENS = 64
const [url, model] = process.argv.slice(2)
if (url === undefined || model === undefined) throw new Error('expected URL and MODEL')

interface Completion {
  readonly choices: readonly [{ readonly message: { readonly content: string }; readonly finish_reason: string }]
}

async function reply(prompt: string): Promise<PlainReply> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model,
      messages: [{ role: 'user', content: prompt }],
      temperature: 0,
      max_tokens: MOST_TOKENS,
      store: false,
    }),
  })
  if (!response.ok) throw new Error(`${url}: expected a reply to "${prompt}", got ${response.status}`)
  const { choices } = (await response.json()) as Completion
  const [{ message, finish_reason: reason }] = choices
  return { prompt, reply: message.content, ends: reason === 'stop' }
}

const lines: string[] = []
for (const prompt of new Set(plainPrompts)) lines.push(JSON.stringify(await reply(prompt)))
writeFileSync(join(packageRoot(), repliesFile), `${lines.join('\n')}\n`)
