/** What a client makes of a conversation that it sends again: where messages end, and the ids of a reply's text. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openText, type Message } from '../../runtime/text.ts'
import { byteTokenizer, SPECIAL_TOKENS } from '../support/byte-tokenizer.ts'

const CHATML =
  "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' + '\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n<think>\\n' }}{% endif %}"
const INSTRUCTIONS =
  "{{ '<s>' }}{% for m in messages %}{% if m['role'] == 'user' %}{{ '[INST]' + m['content'] + '[/INST]' }}" +
  "{% elif m['role'] == 'assistant' %}{{ m['content'] + '</s>' }}{% else %}{{ raise_exception('no system') }}{% endif %}{% endfor %}"
const PLAIN = "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\\n' }}{% endfor %}"

const endsOf = (template: string, more: readonly string[]): (string | undefined)[] => {
  const codec = openText(byteTokenizer(more, { chat_template: template }))
  const tokens = [...SPECIAL_TOKENS, ...more]
  return codec.messageEnds().map((id) => tokens[id - 256])
}

describe('the tokens that end a message', () => {
  test.each<[string, string, readonly string[], readonly string[]]>([
    ['one for all roles', CHATML, ['<|im_start|>', '<|im_end|>'], ['<|im_end|>']],
    [
      'one for each role, of a template that takes no system message',
      INSTRUCTIONS,
      ['<s>', '</s>', '[INST]', '[/INST]'],
      ['[/INST]', '</s>'],
    ],
    ['none, where the template has no special tokens', PLAIN, [], []],
  ])('are %s', (_, template, more, expected) => {
    expect(endsOf(template, more)).toEqual(expected)
  })

  test('are none without a template', () => {
    expect(openText(byteTokenizer([], { chat_template: null })).messageEnds()).toEqual([])
  })
})

describe('a reply that is encoded again', () => {
  const codec = openText('models/pretrained/keeper')
  const chat = (messages: readonly Message[], generate: boolean): number[] =>
    codec.chat(messages, { continued: false, generate })
  const text = fc.array(fc.constantFrom('the river', ' runs', ' past', '\n\n', ' 12,345', 'é', ' 😀', '.', ' ', 'Z'), {
    minLength: 1,
    maxLength: 12,
  })

  test('after any prompt has the ids that its conversation has when it is sent again, however it was sampled', () => {
    fc.assert(
      fc.property(text, text, fc.boolean(), (asked, pieces, single) => {
        const question: Message = { role: 'user', content: asked.join('') }
        const answer: Message = { role: 'assistant', content: pieces.join('') }
        const prompt = chat([question], true)
        // As many tokens as there are pieces or bytes, whatever the tokenizer would make of the whole.
        const parts = single ? Array.from(answer.content) : pieces
        const sampled = parts.flatMap((part) => codec.encode(part))
        const whole = chat([question, answer], false)
        expect(codec.reencode(prompt, sampled)).toEqual(whole.slice(0, whole.lastIndexOf(codec.eos[0] as number)))
      }),
      { numRuns: 200 },
    )
  })

  test('with a special token in it has no text that tells its ids', () => {
    const [end] = codec.eos as [number]
    expect(codec.reencode(chat([{ role: 'user', content: 'hello' }], true), [65, end, 66])).toBeNull()
  })

  test('after a text that ends in the middle of a word joins with it', () => {
    const prompt = codec.encode('The river runs past the mi')
    const found = codec.reencode(prompt, codec.encode('ll and then'))
    expect(found).toEqual(codec.encode('The river runs past the mill and then'))
  })
})
