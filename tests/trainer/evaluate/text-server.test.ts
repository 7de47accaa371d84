import { execFile, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { openModel } from '../../../trainer/evaluate/model.ts'
import { bitsPerByte } from '../../../trainer/evaluate/text.ts'
import { listening } from '../../support/process.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { writeTinyBundle } from '../../support/tiny-bundle.ts'

const WINDOW = 50

test(
  'a server says of pieces of a text what its bundle says of them, emoji and umlauts too',
  { timeout: 120_000 },
  async () => {
    const folder = temporaryFolder()
    await writeTinyBundle(folder, 'vanilla')
    const file = join(folder, 'text.txt')
    const text = 'Grüße aus Zürich 😀, said the cat.\nNo more than that! '.repeat(9)
    writeFileSync(file, text)

    const server = await listening(
      spawn(process.execPath, ['clients/cli/bin.js', 'serve', folder, '--port', '0', '--data', join(folder, 'data')]),
    )
    const measure = (...args: string[]) =>
      promisify(execFile)(process.execPath, ['clients/cli/bin.js', 'eval', 'text', '--url', server.url, ...args])
    const done = await measure('--data', file, '--window', String(WINDOW), '--json')
    await expect(measure('--data', file)).rejects.toThrow('expected --window, the characters of a prompt, with --url')
    server.child.kill('SIGTERM')
    await server.exited

    const { decoder, codec } = await openModel(folder, { set: {}, freeze: '' })
    let [nats, tokens, bytes] = [0, 0, 0]
    for (let at = 0; at < text.length;) {
      // No pair of surrogates is cut here
      const piece = text.slice(at, at + (text.codePointAt(at + WINDOW - 1)! > 0xffff ? WINDOW - 1 : WINDOW))
      at += piece.length
      writeFileSync(join(folder, 'piece.txt'), piece)
      const own = await bitsPerByte(decoder, codec, join(folder, 'piece.txt'))
      nats += own.tokens * Math.log(own.perplexity)
      tokens += own.tokens
      // All but its first token; of a character that several tokens make, all bytes are the last one's
      bytes += Buffer.byteLength(piece) - (piece.charCodeAt(0) < 128 ? 1 : 0)
    }
    decoder.close()
    const found = JSON.parse(done.stdout) as { tokens: number; bytes: number; bitsPerByte: number; unit: string }
    expect(found).toMatchObject({ tokens, bytes, unit: 'characters', window: WINDOW })
    expect(found.bitsPerByte).toBeCloseTo(nats / Math.LN2 / bytes, 4)
  },
)
