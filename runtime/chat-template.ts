/** A chat template applied to messages so that what users wrote can never turn into the template's own tokens. */
import { Template } from '@huggingface/jinja'
import { TextError } from './errors.ts'
import { tokenText, type ConfigFile } from './tokenizer-files.ts'
import type { Segment, Vocabulary } from './vocabulary.ts'

export interface Message {
  role: 'system' | 'user' | 'assistant' | 'developer'
  content: string
}

export interface ChatOptions {
  /** The messages follow an existing conversation: ids for what comes after the end of the last reply, at constant cost. */
  continued: boolean
  /** Ends with the template's prompt for the assistant's reply. */
  generate: boolean
}

// Contents are rendered as placeholders, found again and replaced. A placeholder is a number between private-use
// characters, with a space around it that no template writes, which shows whether the template trims contents.
const [OPEN, CLOSE, SPACE] = ['\u{F8F0}', '\u{F8F1}', '\u{2003}']
const PLACEHOLDER = new RegExp(`(${SPACE}?)${OPEN}(\\d+)${CLOSE}(${SPACE}?)`, 'u')

// Stands for a conversation that is already there; what is rendered for it is dropped again.
const PRELUDE: readonly Message[] = [
  { role: 'user', content: '-' },
  { role: 'assistant', content: '-' },
]

/** Returns the function behind TextCodec.chat. Throws TextError if the template cannot be parsed. */
export function createChatTemplate(
  config: ConfigFile,
  vocabulary: Vocabulary,
  eos: readonly number[],
): (messages: readonly Message[], options: ChatOptions) => number[] {
  const template = parseTemplate(config)
  let end: PreludeEnd | undefined
  return (messages, { continued, generate }) => {
    if (!template) throw new TextError('tokenizer_config.json: expected a chat_template, got none')
    const render = (all: readonly Message[], prompt: boolean) => renderSegments(template, config, all, prompt)
    if (!continued) return vocabulary.encodeSegments(render(messages, generate), false)
    end ??= afterLastReply(render(PRELUDE, false), vocabulary, eos)
    return vocabulary.encodeSegments(withoutPrelude(render([...PRELUDE, ...messages], generate), end), true)
  }
}

function parseTemplate(config: ConfigFile): Template | undefined {
  const source = config.chat_template
  const text = Array.isArray(source) ? source.find(({ name }) => name === 'default')?.template : source
  if (text === undefined || text === null) return undefined
  try {
    return new Template(text)
  } catch (error) {
    throw new TextError(`chat_template: expected a Jinja template, got ${String(error)}`, { cause: error })
  }
}

function renderSegments(
  template: Template,
  config: ConfigFile,
  messages: readonly Message[],
  prompt: boolean,
): Segment[] {
  const text = renderText(template, config, messages, prompt)
  const pieces = text.split(PLACEHOLDER)
  const segments: Segment[] = [{ text: pieces[0] ?? '', trusted: true }]
  const found = new Set<number>()
  for (let at = 1; at < pieces.length; at += 4) {
    const [before, index, after, following] = pieces.slice(at, at + 4)
    const content = messages[Number(index)]?.content ?? ''
    const start = before === '' ? content.trimStart() : content
    segments.push({ text: after === '' ? start.trimEnd() : start, trusted: false })
    segments.push({ text: following ?? '', trusted: true })
    found.add(Number(index))
  }
  const lost = messages.find(({ content }, index) => content !== '' && !found.has(index))
  if (lost)
    throw new TextError(`chat_template: expected the content of every message, got one of ${lost.role} left out`)
  return segments
}

function renderText(template: Template, config: ConfigFile, messages: readonly Message[], prompt: boolean): string {
  const tokens = Object.fromEntries(
    (['bos_token', 'eos_token', 'pad_token', 'unk_token'] as const).map((name) => {
      const token = [config[name] ?? []].flat()[0]
      return [name, token === undefined ? '' : tokenText(token)]
    }),
  )
  try {
    return template.render({
      ...tokens,
      messages: messages.map(({ role, content }, index) => ({
        role: role === 'developer' ? 'system' : role,
        content: content === '' ? '' : `${SPACE}${OPEN}${index}${CLOSE}${SPACE}`,
      })),
      add_generation_prompt: prompt,
    })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new TextError(`chat_template: refused these messages: ${reason}`, { cause: error })
  }
}

/** Segments of the prelude, and how much of the last one belongs to the conversation that is already there. */
interface PreludeEnd {
  segments: readonly Segment[]
  length: number
}

// The reply that is already there ends with its end token; what a template writes after that has not been seen yet.
function afterLastReply(segments: readonly Segment[], vocabulary: Vocabulary, eos: readonly number[]): PreludeEnd {
  const last = segments.at(-1)?.text ?? ''
  const ends = eos.flatMap((id) => {
    const token = vocabulary.tokenOf(id) ?? ''
    return token !== '' && last.includes(token) ? [last.indexOf(token) + token.length] : []
  })
  return { segments, length: ends.length > 0 ? Math.min(...ends) : last.length }
}

function withoutPrelude(segments: readonly Segment[], prelude: PreludeEnd): Segment[] {
  const last = prelude.segments.length - 1
  const local = prelude.segments.every(({ text, trusted }, index) => {
    const other = segments[index]
    const same = index < last ? other?.text === text : other?.text.startsWith(text)
    return same === true && other?.trusted === trusted
  })
  if (!local) {
    throw new TextError(
      'chat_template: expected earlier messages to be rendered alike whatever follows, got a difference',
    )
  }
  const rest = segments.slice(last)
  return rest.map((segment, index) =>
    index === 0 ? { ...segment, text: segment.text.slice(prelude.length) } : segment,
  )
}
