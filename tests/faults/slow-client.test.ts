import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { startFakeServer } from '../support/process.ts'
import { temporaryFolder } from '../support/temporary.ts'

const patience = 120_000

interface SlowClient {
  /** What it was answered, once the server has closed the connection. */
  readonly closed: Promise<string>
  readonly stop: () => void
}

/** Says `first` at once and then a letter a second, without an end (Slowloris). */
function slowClient(port: number, first: string): SlowClient {
  const socket = connect(port, '127.0.0.1', () => socket.write(first))
  const dripping = setInterval(() => socket.write('a'), 1000)
  let answer = ''
  socket.on('data', (data) => (answer += data.toString()))
  socket.on('error', () => {}) // a reset is an end too
  const closed = new Promise<string>((resolve) => {
    socket.on('close', () => {
      clearInterval(dripping)
      resolve(answer)
    })
  })
  return { closed, stop: () => socket.destroy() }
}

test(
  'clients that never end their headers or bodies are closed, and others are served meanwhile',
  { timeout: patience },
  async () => {
    const server = await startFakeServer({ flags: { data: temporaryFolder() } })
    const port = Number(new URL(server.url).port)
    const head = 'POST /v1/responses HTTP/1.1\r\nHost: mneme\r\nContent-Type: application/json\r\n'
    const many = (first: string): SlowClient[] => Array.from({ length: 100 }, () => slowClient(port, first))
    const [headers, bodies] = [many(`${head}X-Slow: `), many(`${head}Content-Length: 100000\r\n\r\n{"input":"`)]
    onTestFinished(async () => {
      for (const { stop } of [...headers, ...bodies]) stop()
      server.child.kill('SIGKILL')
      await server.exited
    })
    await sleep(2000)
    const served = await server.post('/v1/responses', { input: 'hi', max_output_tokens: 4 })
    expect(served.status).toBe(200)
    for (const answer of await Promise.all(headers.map(({ closed }) => closed))) expect(answer).toContain(' 408 ')
    // Of a body that never ends the request timeout is the judge
    for (const answer of await Promise.all(bodies.map(({ closed }) => closed))) expect(answer).not.toContain(' 200 ')
    expect((await server.post('/v1/responses', { input: 'hi', max_output_tokens: 4 })).status).toBe(200)
  },
)
