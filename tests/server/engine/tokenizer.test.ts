import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { MAX_PROMPT_TOKENS } from '../../../server/engine/encode.ts'
import { startTokenizerThread, type TokenizerThread } from '../../../server/engine/tokenizer.ts'
import { createLog } from '../../../server/log.ts'
import { compiled } from '../../support/build.ts'
import { byteTokenizer } from '../../support/byte-tokenizer.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const entry = pathToFileURL(compiled('server/engine/tokenizer-worker.ts'))

function start(timeoutMs?: number): TokenizerThread {
  const thread = startTokenizerThread(entry, createLog('silent'), timeoutMs)
  onTestFinished(() => thread.close())
  return thread
}

/** A folder of the byte tokenizer with this chat template. */
function folderWith(template?: string): string {
  const folder = temporaryFolder()
  const { tokenizer, config } = byteTokenizer([], template === undefined ? {} : { chat_template: template })
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer))
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify(config))
  return folder
}

const text = (value: string) => ({ kind: 'text', text: value }) as const
const chat = { kind: 'chat', messages: [{ role: 'user', content: 'hi' }], generate: true } as const

describe('the tokenizer’s thread', () => {
  test('encodes text, ids and messages, and refuses what the engine could not compute', async () => {
    const tokenizer = await start().open(folderWith())
    const encode = (prompt: Parameters<typeof tokenizer.encode>[1], pending = 0) =>
      tokenizer.encode('a', prompt, false, pending)
    expect(await encode(text('abc'))).toEqual({ ids: [97, 98, 99], text: 'abc', inReasoning: false })
    expect(await encode({ kind: 'ids', ids: [97, 98] })).toEqual({ ids: [97, 98], text: 'ab', inReasoning: false })
    expect(await encode(chat)).toEqual({ ids: [256, 104, 105, 259, 257], text: '', inReasoning: false })
    expect(await encode(text(''))).toMatchObject({ code: 'prompt_empty' })
    expect(await encode(text(''), 1)).toEqual({ ids: [], text: '', inReasoning: false })
    expect(await encode({ kind: 'ids', ids: [260] })).toMatchObject({ code: 'prompt_token_invalid' })
    const many = { kind: 'ids', ids: Array.from({ length: MAX_PROMPT_TOKENS + 1 }, () => 97) } as const
    expect(await encode(many)).toMatchObject({ code: 'prompt_too_long' })
    expect(await encode(text('a'.repeat(MAX_PROMPT_TOKENS + 1)))).toMatchObject({ code: 'prompt_too_long' })
  })

  test('does not hold up the thread that asks, nor a short text behind a long one of somebody else', async () => {
    const tokenizer = await start().open(folderWith())
    const order: string[] = []
    const long = Array.from({ length: 4 }, async () => {
      await tokenizer.encode('a', text('word '.repeat(20_000)), false, 0)
      order.push('long')
    })
    const short = tokenizer.encode('b', text('x'), false, 0).then(() => order.push('short'))
    await Promise.all([...long, short])
    // Behind the one that was under way, not behind all.
    expect(order.indexOf('short')).toBeLessThanOrEqual(1)
  })

  test.each([
    ['that never ends', '{% for i in range(1000000) %}{% for j in range(1000000) %}{% endfor %}{% endfor %}'],
    [
      'that fills memory',
      '{% set ns = namespace(s="x") %}{% for i in range(40) %}{% set ns.s = ns.s + ns.s %}{% endfor %}',
    ],
  ])('a chat template %s fails its own request, and the next one works', async (_, template) => {
    const thread = start(1_500)
    const [bad, good] = await Promise.all([thread.open(folderWith(template)), thread.open(folderWith())])
    expect(await bad.encode('a', chat, false, 0)).toMatchObject({ code: 'prompt_refused' })
    expect(await good.encode('a', text('abc'), false, 0)).toEqual({
      ids: [97, 98, 99],
      text: 'abc',
      inReasoning: false,
    })
  })

  test('a tokenizer that cannot be opened is said when it is opened', async () => {
    const thread = start()
    await expect(thread.open(temporaryFolder())).rejects.toThrow(/tokenizer\.json: expected a JSON file/)
    expect(await (await thread.open(folderWith())).encode('a', text('x'), false, 0)).toMatchObject({ ids: [120] })
  })
})
