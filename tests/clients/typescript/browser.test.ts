/** The typed client in a real browser: compiled against the browser's types alone, over fetch and WebSocket. */
import { execFile, execFileSync, spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
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

interface Site {
  readonly origin: string
  /** Opens a page of the site in a browser; resolves to what it reports. */
  show(html: string): Promise<Record<string, never>>
}

const FLAGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage']

/** A web site of its own origin, with the compiled client in `folder`. */
async function openSite(folder: string): Promise<Site> {
  let html = ''
  let reported: ((body: string) => void) | undefined
  const site = createServer((request, answer) => {
    const path = request.url ?? '/'
    if (path === '/result') {
      let body = ''
      request.on('data', (piece: Buffer) => (body += piece.toString())).on('end', () => reported?.(body))
      answer.end()
    } else if (path === '/') answer.setHeader('content-type', 'text/html').end(html)
    else if (/^\/[a-z-]+\.js$/.test(path))
      answer.setHeader('content-type', 'text/javascript').end(readFileSync(join(folder, path)))
    else answer.writeHead(404).end()
  })
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void site.close())
  const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
  return {
    origin,
    async show(page) {
      html = page
      const result = new Promise<string>((resolve, reject) => {
        reported = resolve
        const browser = spawn('chromium', [...FLAGS, `--user-data-dir=${temporaryFolder()}`, origin], {
          stdio: 'ignore',
          detached: true,
        })
        browser.once('exit', (code) => reject(new Error(`chromium ended with ${code}`)))
        onTestFinished(() => {
          if (browser.pid !== undefined) process.kill(-browser.pid, 'SIGKILL')
        })
      })
      return JSON.parse(await result) as Record<string, never>
    },
  }
}

/** What a page tries that was not invited: everything that a browser lets it send. */
const uninvited = (url: string): string => `<!doctype html><script type="module">
  const status = (promise) => promise.then((answer) => answer.status, (error) => error.name)
  const body = JSON.stringify({ input: 'stolen', max_output_tokens: 2 })
  const json = { 'content-type': 'application/json' }
  const socket = new WebSocket('${url.replace('http', 'ws')}/v1/responses')
  const upgraded = new Promise((resolve) => {
    socket.onopen = () => resolve('open')
    socket.onerror = () => resolve('error')
  })
  const result = {
    read: await status(fetch('${url}/v1/models')),
    write: await status(fetch('${url}/v1/responses', { method: 'POST', headers: json, body })),
    simple: await status(fetch('${url}/v1/responses', { method: 'POST', mode: 'no-cors', body })),
    image: await new Promise((resolve) => {
      const image = new Image()
      image.onload = () => resolve('loaded')
      image.onerror = () => resolve('error')
      image.src = '${url}/v1/models'
    }),
    socket: await upgraded,
  }
  await fetch('/result', { method: 'POST', body: JSON.stringify(result) })
</script>`

describe.skipIf(!hasChromium)('in a browser', () => {
  test('the client streams, continues and cancels over fetch and WebSocket, from an allowed origin', async () => {
    const site = await openSite(compileClient())
    const server = await startTestServer({ keys: ['secret'], delayMs: 2, allowedOrigins: [site.origin] })
    const found = await site.show(page(await server.listen(), 'secret'))
    expect(found).toMatchObject({
      streamed: { text: expect.stringMatching(/./), saved: 0 },
      continued: { saved: expect.any(Number) },
      error: { name: 'MnemeError', status: 404, code: 'not_found' },
    })
    const { streamed, socketed, continued, after } = found as Record<string, { text: string; saved: number }>
    expect([socketed?.text, after?.text]).toEqual([streamed?.text, streamed?.text])
    expect(continued?.saved).toBeGreaterThan(0)
  })

  test('a page of an origin that is not allowed reads nothing and leaves nothing behind', async () => {
    const site = await openSite(temporaryFolder())
    const server = await startTestServer()
    const found = await site.show(uninvited(await server.listen()))
    // `simple` was sent without asking first, as browsers do; the page does not see its answer, which is 403.
    expect(found).toEqual({ read: 'TypeError', write: 'TypeError', simple: 0, image: 'error', socket: 'error' })
    expect((await server.deps.store.statistics()).responses).toBe(0)
    const refusals = await server.deps.metrics.registry.getSingleMetricAsString('mneme_requests_rejected_total')
    expect(Number(/reason="origin"} (\d+)/.exec(refusals)?.[1])).toBeGreaterThanOrEqual(5)
  })

  test('a name that was made to resolve to this machine gets nothing', async () => {
    const server = await startTestServer()
    const { port } = new URL(await server.listen())
    const rules = '--host-resolver-rules=MAP rebind.example 127.0.0.1'
    const args = [
      ...FLAGS,
      rules,
      `--user-data-dir=${temporaryFolder()}`,
      '--dump-dom',
      `http://rebind.example:${port}/v1/models`,
    ]
    const { stdout } = await promisify(execFile)('chromium', args)
    expect(stdout).toContain('host_not_allowed')
    expect(stdout).not.toContain('owned_by')
  })
})
