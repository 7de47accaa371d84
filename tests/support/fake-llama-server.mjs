#!/usr/bin/env node
// As much of llama.cpp's server as mneme bench talks to: one slot whose prompt is kept, saved, restored, and lost when the
// process ends or sleeps. A token is four characters.
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

if (process.argv.includes('--version')) {
  console.error('version: 1234 (abcdef0)')
  process.exit(0)
}
const names = 'model alias host port parallel threads ctx-size slot-save-path sleep-idle-seconds'.split(' ')
const { values } = parseArgs({
  options: {
    ...Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
    'kv-unified': { type: 'boolean' },
  },
})
let slot = ''
let isSleeping = false
let idle

function stayAwake() {
  isSleeping = false
  clearTimeout(idle)
  const seconds = Number(values['sleep-idle-seconds'] ?? 0)
  const sleep = () => ([isSleeping, slot] = [true, ''])
  if (seconds > 0) idle = setTimeout(sleep, 200)
}

function commonLength(a, b) {
  let same = 0
  while (same < Math.min(a.length, b.length) && a[same] === b[same]) same++
  return same
}

function complete(response, body, isChat) {
  stayAwake()
  const prompt = isChat ? body.messages.map(({ role, content }) => `<${role}>${content}`).join('') : body.prompt
  const [prompt_tokens, cached_tokens] = [prompt, slot.slice(0, commonLength(prompt, slot))].map((s) => s.length >> 2)
  const pieces = Array.from({ length: Math.min(body.max_tokens, 4) }, (_, i) => `tok${i}`)
  slot = `${prompt}${isChat ? '<assistant>' : ''}${pieces.join('')}`
  const usage = { prompt_tokens, completion_tokens: pieces.length, prompt_tokens_details: { cached_tokens } }
  const choices = pieces.map((piece) => [isChat ? { delta: { content: piece } } : { text: piece }])
  const events = [...choices.map((choice) => ({ choices: choice })), { choices: [], usage }]
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const event of events) response.write(`data: ${JSON.stringify(event)}\n\n`)
  response.end('data: [DONE]\n\n')
}

const json = (response, value) => response.writeHead(200).end(JSON.stringify(value))
async function answer(request, response) {
  let received = ''
  for await (const chunk of request) received += chunk
  const body = received === '' ? {} : JSON.parse(received)
  const { pathname, searchParams } = new URL(request.url, 'http://fake')
  const file = join(values['slot-save-path'], body.filename ?? '')
  if (pathname === '/health') json(response, {})
  else if (pathname === '/props') json(response, { is_sleeping: isSleeping, build_info: 'b1234-abcdef0' })
  else if (pathname === '/v1/models') json(response, { data: [{ id: values.alias }] })
  else if (pathname === '/slots/0' && searchParams.get('action') === 'save') {
    writeFileSync(file, slot)
    json(response, {})
  } else if (pathname === '/slots/0') {
    slot = readFileSync(file, 'utf8')
    json(response, {})
  } else if (pathname === '/v1/completions') complete(response, body, false)
  else if (pathname === '/v1/chat/completions') complete(response, body, true)
  else response.writeHead(404).end()
}

const server = createServer((request, response) => void answer(request, response))
server.listen(Number(values.port), values.host, stayAwake)
