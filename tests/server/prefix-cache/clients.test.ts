/** The sequences of requests that chat clients send, by their shapes: each turn costs what is new in it. */
import { describe, expect, test } from 'vitest'
import { countingServer, tokensOf, type ChatMessage } from '../../support/chat-sessions.ts'
import type { Json } from '../../support/test-server.ts'

const system = (content: string): ChatMessage => ({ role: 'system', content })
const user = (content: string): ChatMessage => ({ role: 'user', content })
const assistant = (content: string): ChatMessage => ({ role: 'assistant', content })

/** What a turn adds to a conversation: the last token of the reply before and its end, the message, and the next role. */
const newIn = (content: string): number => 1 + 1 + tokensOf(content) + 1

describe('a client like Open WebUI', () => {
  /** Asked of the model after a turn, in prompts of their own with the conversation in them. */
  const tasks = ['Generate a concise title', 'Generate 1-3 broad tags', 'Suggest 3-5 follow-up questions']
  const taskPrompt = (task: string, history: readonly ChatMessage[]): ChatMessage[] => {
    const lines = history.map(({ role, content }) => `${role.toUpperCase()}: ${content}`).join('\n')
    return [
      user(`### Task:\n${task} for the chat history.\n### Chat History:\n<chat_history>\n${lines}\n</chat_history>`),
    ]
  }

  test('that asks for titles and tags in between computes new messages only', async () => {
    const { chat } = await countingServer({ stateBytes: 4096 })
    const messages: ChatMessage[] = []
    for (let turn = 0; turn < 5; turn++) {
      const content = `Tell me part ${turn} of the story of the river, please.`
      messages.push(user(content))
      const cost = await chat(messages, { seed: turn, max_tokens: 40 })
      if (turn > 0) expect(cost.computed).toBeLessThanOrEqual(newIn(content))
      messages.push(assistant(cost.reply))
      for (const task of tasks) await chat(taskPrompt(task, messages), { max_tokens: 30 })
    }
  })

  test('that asks for a title of the same history again computes what follows the history it has read', async () => {
    const { chat } = await countingServer()
    const history = [user('What runs past the mill?'), assistant('The river runs past the mill.')]
    const first = await chat(taskPrompt(tasks[0] as string, history))
    const again = await chat(taskPrompt(tasks[0] as string, history))
    expect(first.cached).toBe(0)
    expect(again.computed).toBe(1)
  })
})

describe('a client like OpenCode', () => {
  const instructions = `You are a coding agent. ${'Be concise, and read before you write. '.repeat(40)}`

  test('reads its instructions once for all sessions of a user, and each step of a session once', async () => {
    const { chat } = await countingServer()
    for (let session = 0; session < 3; session++) {
      const messages: ChatMessage[] = [system(instructions)]
      for (let step = 0; step < 6; step++) {
        const content = `Session ${session}, step ${step}: the file has these lines.\n${'x = 1\n'.repeat(20)}`
        messages.push(user(content))
        const cost = await chat(messages, { seed: step })
        if (step > 0) expect(cost.computed).toBeLessThanOrEqual(newIn(content))
        else if (session > 0) expect(cost.computed).toBe(tokensOf(content) + 1)
        messages.push(assistant(cost.reply))
      }
    }
  })

  test('that compacts its history keeps its instructions', async () => {
    const { chat } = await countingServer()
    const messages: ChatMessage[] = [system(instructions)]
    for (let step = 0; step < 4; step++) {
      messages.push(user(`step ${step} `.repeat(30)))
      messages.push(assistant((await chat(messages)).reply))
    }
    const summary = user('A summary of what was done so far: nothing works yet.')
    const cost = await chat([system(instructions), summary])
    expect(cost.computed).toBe(tokensOf(summary.content) + 1)
  })
})

describe('a client like SillyTavern', () => {
  const card = system(`Write the next reply of the miller. ${'The miller is old and slow to speak. '.repeat(12)}`)

  test('that swipes, edits the last reply and goes on computes the edit and what follows it', async () => {
    const { chat } = await countingServer()
    const messages = [card, assistant('The miller looks up from his stone and waits.'), user('Good morning, miller.')]
    const first = await chat(messages, { seed: 1 })
    for (let swipe = 2; swipe < 6; swipe++) expect((await chat(messages, { seed: swipe })).computed).toBe(1)
    const edited = `He nods. ${first.reply}`
    const next = await chat([...messages, assistant(edited), user('May I come in?')])
    expect(next.computed).toBe(tokensOf(edited) + tokensOf('May I come in?') + 1)
    const swiped = await chat([...messages, assistant(edited), user('May I come in?')], { seed: 9 })
    expect(swiped.computed).toBe(1)
  })

  test('that deletes the last messages goes on from what is left', async () => {
    const { chat } = await countingServer()
    const messages = [card, user('Good morning, miller.')]
    const replies: string[] = []
    for (let turn = 0; turn < 4; turn++) {
      const { reply } = await chat(messages, { seed: turn })
      replies.push(reply)
      messages.push(assistant(reply), user(`And what about the river, the ${turn}th time?`))
    }
    const shorter = messages.slice(0, 5)
    const content = 'Let us begin again from here.'
    const cost = await chat([...shorter, user(content)])
    expect(cost.computed).toBeLessThanOrEqual(newIn(content) + tokensOf(shorter.at(-1)?.content ?? ''))
  })

  test('that sends text with stop strings computes what it adds, and at most one call for a swipe', async () => {
    const { server, measure } = await countingServer({ prefillChunk: 32 })
    const ask = (prompt: string, seed: number) =>
      measure(async (): Promise<Json> => {
        const body = { model: 'fake', prompt, max_tokens: 24, seed, stop: ['\nUser:', '\nMiller:'] }
        return (await server.post('/v1/completions', body)).json
      })
    let prompt = `${card.content}\nUser: Good morning.\nMiller:`
    for (let turn = 0; turn < 4; turn++) {
      const { result } = await ask(prompt, turn)
      const swipe = await ask(prompt, turn + 100)
      expect(swipe.computed).toBeLessThanOrEqual(32)
      const added = `\nUser: turn ${turn}.\nMiller:`
      prompt = `${prompt}${result.choices[0].text}${added}`
      const next = await ask(prompt, turn + 200)
      expect(next.computed).toBeLessThanOrEqual(1 + added.length)
    }
  })
})
