/**
 * A client that costs little: `client.ts URL MODE STREAMS TOKENS`. MODE: json, sse, ws. Prints the milliseconds from the
 * first token to the end of the last reply, and the tokens.
 */
import { connect } from 'node:net'
import { WebSocket } from 'ws'

const [url, mode, streams, tokens] = [
  new URL(process.argv[2] as string),
  process.argv[3] as 'json' | 'sse' | 'ws',
  Number(process.argv[4]),
  Number(process.argv[5]),
]
const bias = Object.fromEntries(
  (process.argv[6] ?? '')
    .split(',')
    .filter(Boolean)
    .map((id) => [id, -100]),
)
const prompt = { prompt: 'Once', max_tokens: tokens, temperature: 0.8, logit_bias: bias, seed: 1 }
let first = Infinity

/** A request over a socket of its own, whose bytes are only looked at for the start and the end. */
function overHttp(stream: boolean): Promise<void> {
  const body = JSON.stringify({ ...prompt, model: process.argv[7], stream })
  const head = `POST /v1/completions HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: application/json\r\n`
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname, () => {
      socket.write(`${head}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`)
    })
    let tail = ''
    socket.on('data', (data) => {
      first = Math.min(first, performance.now())
      tail = (tail + data.toString('latin1')).slice(-200)
    })
    socket.on('error', reject)
    socket.on('close', () => (/DONE|"total_tokens"/.test(tail) ? resolve() : reject(new Error(tail))))
  })
}

function overWebSocket(): Promise<void> {
  const sampling = { seed: 1, logit_bias: bias }
  const frame = { type: 'response.create', input: 'Once', max_output_tokens: tokens, store: false, mneme: sampling }
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://${url.host}/v1/responses`)
    socket.on('open', () => socket.send(JSON.stringify(frame)))
    socket.on('message', (data: Buffer) => {
      if (data.includes('output_text.delta')) first = Math.min(first, performance.now())
      else if (data.includes('"type":"response.incomplete"')) resolve()
      else if (data.includes('"type":"error"')) reject(new Error(data.toString()))
    })
    socket.on('error', reject)
  })
}

const began = performance.now()
await Promise.all(Array.from({ length: streams }, () => (mode === 'ws' ? overWebSocket() : overHttp(mode === 'sse'))))
const from = mode === 'json' ? began : first
process.stdout.write(JSON.stringify({ ms: performance.now() - from, tokens: streams * tokens }))
process.exit(0)
