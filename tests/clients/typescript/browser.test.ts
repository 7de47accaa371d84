/** The typed client in a real browser: compiled against the browser's types alone, over fetch and WebSocket. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../../support/temporary.ts'
import { startTestServer } from '../../support/test-server.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const hasChromium = spawnSync('chromium', ['--version']).status === 0

/** The client as JavaScript, type-checked without anything of Node's. */
function compileClient(): string {
  const folder = temporaryFolder()
  const strict = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--verbatimModuleSyntax']
  const browser = ['--target', 'es2023', '--module', 'esnext', '--moduleResolution', 'bundler', '--lib', 'es2023,dom']
  const output = ['--ignoreConfig', '--rewriteRelativeImportExtensions', '--outDir', folder]
  const args = [...strict, ...browser, '--types', '', ...output, 'clients/typescript/index.ts']
  execFileSync(join(root, 'node_modules/.bin/tsc'), args, { cwd: root, stdio: 'pipe' })
  return folder
}

/** What runs in the page: the same reply over SSE and over a WebSocket, a continuation, a cancelled reply, an error. */
const page = (url: string, key: string): string => `<!doctype html><script type="module">
  const report = (result) => fetch('/result', { method: 'POST', body: JSON.stringify(result) })
  try {
    const { createClient } = await import('/index.js')
    const client = createClient({ url: '${url}', apiKey: '${key}' })
    const request = { input: 'hi', max_output_tokens: 8, mneme: { seed: 1 } }
    const read = async (events) => {
      let [text, last] = ['', null]
      for await (const event of events) {
        if (event.type === 'response.output_text.delta') text += event.delta
        last = event
      }
      return { text, id: last.response.id, saved: last.response.usage.mneme.tokens_saved }
    }
    const streamed = await read(client.responses.stream(request))
    const connection = client.responses.connect()
    const socketed = await read(connection.stream(request))
    const continued = await read(connection.stream({ ...request, previous_response_id: socketed.id }))
    for await (const event of connection.stream(request)) break
    const after = await read(connection.stream(request))
    const error = await client.responses.get('resp_x').catch(({ name, status, code }) => ({ name, status, code }))
    await report({ streamed, socketed, continued, after, error })
  } catch (error) {
    await report({ failed: String(error?.stack ?? error) })
  }
</script>`

/** A page of its own origin, and what it reports. */
async function openPage(html: string, folder: string): Promise<Record<string, never>> {
  const result = new Promise<string>((resolve, reject) => {
    const site = createServer((request, answer) => {
      const path = request.url ?? '/'
      if (path === '/result') {
        let body = ''
        request.on('data', (piece: Buffer) => (body += piece.toString())).on('end', () => resolve(body))
        answer.end()
      } else if (path === '/') answer.setHeader('content-type', 'text/html').end(html)
      else if (/^\/[a-z-]+\.js$/.test(path))
        answer.setHeader('content-type', 'text/javascript').end(readFileSync(join(folder, path)))
      else answer.writeHead(404).end()
    })
    site.listen(0, '127.0.0.1', () => {
      const { port } = site.address() as AddressInfo
      // The server sends no CORS headers: a page needs a proxy of its own origin, or, here, a browser that does not ask.
      const flags = [
        '--headless=new',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-dev-shm-usage',
        '--disable-web-security',
      ]
      const browser = spawn(
        'chromium',
        [...flags, `--user-data-dir=${temporaryFolder()}`, `http://127.0.0.1:${port}/`],
        { stdio: 'ignore', detached: true },
      )
      browser.once('exit', (code) => reject(new Error(`chromium ended with ${code}`)))
      onTestFinished(() => {
        if (browser.pid !== undefined) process.kill(-browser.pid, 'SIGKILL')
        site.close()
      })
    })
  })
  return JSON.parse(await result) as Record<string, never>
}

describe.skipIf(!hasChromium)('in a browser', () => {
  test('the client streams, continues and cancels over fetch and WebSocket', async () => {
    const server = await startTestServer({ keys: ['secret'], delayMs: 2 })
    const found = await openPage(page(await server.listen(), 'secret'), compileClient())
    expect(found).toMatchObject({
      streamed: { text: expect.stringMatching(/./), saved: 0 },
      continued: { saved: expect.any(Number) },
      error: { name: 'MnemeError', status: 404, code: 'not_found' },
    })
    const { streamed, socketed, continued, after } = found as Record<string, { text: string; saved: number }>
    expect([socketed?.text, after?.text]).toEqual([streamed?.text, streamed?.text])
    expect(continued?.saved).toBeGreaterThan(0)
  })
})
