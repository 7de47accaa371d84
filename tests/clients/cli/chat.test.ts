import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { Conversation } from '../../../clients/cli/conversation.ts'
import { createClient } from '../../../clients/typescript/index.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { startGreedyServer } from '../greedy-server.ts'
import { runMneme, startMneme } from './mneme-process.ts'

async function say(conversation: Conversation, text: string): Promise<string> {
  let reply = ''
  for await (const piece of conversation.say(text)) reply += piece
  return reply
}

async function converse() {
  const url = await startGreedyServer()
  const client = createClient({ url, WebSocket })
  const start = (from?: string) => new Conversation({ client, from })
  return { url, client, start }
}

const continuation = (stderr: string): string => /--previous-response (resp_\w+)\n$/.exec(stderr)?.[1] ?? ''

describe('a conversation', () => {
  test('rewound and told the same again gives the same reply; told something else, another', async () => {
    const { start } = await converse()
    const conversation = start()
    await say(conversation, 'one')
    const at = conversation.at
    const second = await say(conversation, 'two')
    await say(conversation, 'three')
    expect(await conversation.rewind(2)).toBe(2)
    expect(conversation.at).toBe(at)
    expect(await say(conversation, 'two')).toBe(second)
    await conversation.rewind(1)
    expect(await say(conversation, 'other')).not.toBe(second)
    conversation.close()
  })

  test('rewinds to its beginning and no further, also when it was begun elsewhere', async () => {
    const { start } = await converse()
    const first = start()
    const opening = await say(first, 'one')
    await say(first, 'two')
    const second = start(first.at ?? '')
    expect(await second.rewind(9)).toBe(2)
    expect(second.at).toBeNull()
    expect(await say(second, 'one')).toBe(opening)
    first.close()
    second.close()
  })

  test('goes back to the points that it forked at, and to no others', async () => {
    const { start } = await converse()
    const conversation = start()
    await say(conversation, 'one')
    const fork = conversation.fork()
    const reply = await say(conversation, 'two')
    expect(conversation.goTo(fork)).toBe(true)
    expect(await say(conversation, 'two')).toBe(reply)
    expect(conversation.goTo(7)).toBe(false)
    conversation.close()
  })

  test('has not heard a turn that was cancelled', async () => {
    const url = await startGreedyServer(10)
    const conversation = new Conversation({ client: createClient({ url, WebSocket }) })
    const first = await say(conversation, 'one')
    const at = conversation.at
    for await (const _ of conversation.say('two')) break
    expect(conversation.at).toBe(at)
    await conversation.rewind(1)
    expect(await say(conversation, 'one')).toBe(first)
    conversation.close()
  })
})

describe('mneme chat through a pipe', () => {
  test('gives replies alone on stdout, and memory and the way on, without colours, on stderr', async () => {
    const { url } = await converse()
    const { code, stdout, stderr } = await runMneme(['chat', '--url', url], 'hi\n\nthere\n')
    expect(code).toBe(0)
    expect(stdout.split('\n')).toHaveLength(3)
    for (const output of [stdout, stderr]) for (const sign of ['\u001B', '> ']) expect(output).not.toContain(sign)
    expect(stderr).toMatch(
      /^\d+ tokens computed, 0 saved, memory 16 bytes\n\d+ tokens computed, [1-9]\d* saved, memory 16 bytes\n/,
    )
    expect(continuation(stderr)).not.toBe('')
  })

  test('says which turns wrote and read memories', async () => {
    const { url } = await converse()
    const told = await runMneme(['chat', '--url', url], 'My locker code is 4071.\n')
    expect(told.stderr).toMatch(/^\d+ tokens computed, 0 saved, memory 16 bytes; notes: 1 written\n/)
    const asked = await runMneme(['chat', '--url', url], 'What is my locker code?\n')
    expect(asked.stderr).toMatch(/; notes: 1 read\n/)
  })

  test('goes on where it ended', async () => {
    const { url } = await converse()
    const whole = await runMneme(['chat', '--url', url], 'one\ntwo\n')
    const first = await runMneme(['chat', '--url', url], 'one\n')
    const second = await runMneme(['chat', '--url', url, '--previous-response', continuation(first.stderr)], 'two\n')
    expect(first.stdout + second.stdout).toBe(whole.stdout)
  })

  test('does its commands, and says what is wrong with one', async () => {
    const { url } = await converse()
    const lines = [
      'one',
      '/fork',
      'two',
      '/fork 1',
      'two',
      '/rewind',
      '/memory',
      '/rewind x',
      '/what',
      '/fork 5',
      '/quit',
      'three',
    ]
    const { code, stdout, stderr } = await runMneme(['chat', '--url', url], `${lines.join('\n')}\n`)
    expect(code).toBe(0)
    const [, two, again, end] = stdout.split('\n')
    expect(again).toBe(two)
    expect(end).toBe('')
    for (const said of [
      /point 1 is resp_/,
      /1 turn back: resp_/,
      /whatever its length: fake \(fake\) 16 bytes/,
      /\/rewind: expected a whole number above 0, got x/,
      /unknown command \/what/,
      /there is no point 5/,
    ])
      expect(stderr).toMatch(said)
  })

  test('Ctrl-C cancels the reply and the conversation goes on', async () => {
    const chat = startMneme(['chat', '--url', await startGreedyServer(100)])
    chat.type('hi\n')
    await chat.until(/[a-z]/)
    chat.signal('SIGINT')
    await chat.until(/cancelled: this turn has not happened/)
    chat.type('/memory\n')
    await chat.until(/this one has not begun/)
    chat.end()
    expect((await chat.done).code).toBe(0)
  })

  test.each([
    [
      'a server that is not there',
      ['--url', 'http://127.0.0.1:9'],
      /There is no connection to http:\/\/127\.0\.0\.1:9\./,
    ],
    ['an unknown model', ['--model', 'nobody'], /The model 'nobody' is not served here/],
    ['an unknown response', ['--previous-response', 'resp_x'], /'resp_x' not found/],
  ])('fails with one sentence and exit code 1 for %s', async (_, args, sentence) => {
    const { url } = await converse()
    const { code, stdout, stderr } = await runMneme(['chat', '--url', url, ...args], 'hi\n')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^mneme chat: [^\n]+\n$/)
    expect(stderr).toMatch(sentence)
  })
})

test(
  'without --url a server is started, its memory outlives it, and it is gone afterwards',
  { timeout: 180_000 },
  async () => {
    const data = temporaryFolder()
    const first = await runMneme(['chat', '--data', data], 'hello\n')
    expect(first.code).toBe(0)
    // The folder is free again: a second server may have it, and finds the conversation there.
    const second = await runMneme(
      ['chat', '--data', data, '--previous-response', continuation(first.stderr)],
      'hello\n',
    )
    expect(second.code).toBe(0)
    expect(second.stderr).toMatch(/, [1-9]\d* saved, /)
    expect(continuation(second.stderr)).not.toBe('')
  },
)

test.each(['SIGHUP', 'SIGKILL'] as const)(
  'the server that was started ends with the chat, also when that is ended from outside by %s',
  { timeout: 180_000 },
  async (signal) => {
    const data = temporaryFolder()
    const chat = startMneme(['chat', '--data', data])
    chat.type('hello\n')
    await chat.until(/tokens computed/)
    chat.signal(signal)
    expect((await chat.done).code).toBe(signal)
    // Its folder is free for the next one.
    const next = async () => (await runMneme(['chat', '--data', data], 'hello\n')).code
    await expect.poll(next, { timeout: 30_000 }).toBe(0)
  },
)
