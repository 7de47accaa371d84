/** A chat template applied to messages so that what users wrote can never turn into special tokens. */
import type { Template } from '@huggingface/jinja'
import type { ChatOptions, Message, ToolCall } from './chat-message.ts'
import { TextError } from './errors.ts'
import { freeBlock, parseTemplate, renderTemplate, sealTemplate, type SealedTemplate } from './sealed-template.ts'
import { tokenText, type ConfigFile } from './tokenizer-files.ts'
import type { Segment, Vocabulary } from './vocabulary.ts'

/** Variables that the template gets from us; a request cannot set them. */
const OWN_VARIABLES = new Set(['messages', 'tools', 'add_generation_prompt', 'raise_exception', 'strftime_now'])
const TOKEN_VARIABLES = ['bos_token', 'eos_token', 'pad_token', 'unk_token'] as const

export interface ChatTemplate {
  /** Returns the ids of messages. Throws TextError if the template refuses them. */
  encode(messages: readonly Message[], options: ChatOptions): number[]
  /** Returns the text that the template renders. Throws TextError. */
  render(messages: readonly Message[], options: ChatOptions): string
}

/** Returns the chat template of a tokenizer's configuration. Throws TextError if it cannot be parsed. */
export function createChatTemplate(config: ConfigFile, vocabulary: Vocabulary, eos: readonly number[]): ChatTemplate {
  const plain = sourceOf(config, 'default')
  const templates = [plain, sourceOf(config, 'tool_use') ?? plain].map((source) =>
    source === undefined ? undefined : new TemplateText(source, config, vocabulary),
  )
  const choose = ({ tools }: ChatOptions): TemplateText => {
    const template = templates[tools && tools.length > 0 ? 1 : 0]
    if (!template) throw new TextError('tokenizer_config.json: expected a chat_template, got none')
    return template
  }
  return {
    render: (messages, options) => choose(options).text(messages, options),
    encode(messages, options) {
      const template = choose(options)
      if (!options.continued) return vocabulary.encodeSegments(template.segments(messages, options), false)
      return vocabulary.encodeSegments(afterLastReply(template, messages, options, vocabulary, eos), true)
    },
  }
}

/** The source of the template of that name; a template that is alone has the name `default`. */
export function sourceOf({ chat_template: source }: ConfigFile, name: 'default' | 'tool_use'): string | undefined {
  if (Array.isArray(source)) return source.find((one) => one.name === name)?.template
  return name === 'default' ? (source ?? undefined) : undefined
}

class TemplateText {
  readonly #source: string
  readonly #config: ConfigFile
  readonly #vocabulary: Vocabulary
  readonly #plain: Template
  readonly #sealed = new Map<string, SealedTemplate>()

  constructor(source: string, config: ConfigFile, vocabulary: Vocabulary) {
    this.#source = source
    this.#config = config
    this.#vocabulary = vocabulary
    this.#plain = parseTemplate(source)
  }

  text(messages: readonly Message[], options: ChatOptions): string {
    return renderTemplate(
      this.#plain,
      this.#variables(messages, options, (text) => text),
    )
  }

  /** What the template renders: its special tokens are trusted segments, all other text is not trusted. */
  segments(messages: readonly Message[], options: ChatOptions): Segment[] {
    const text = this.text(messages, options)
    requireUserContents(messages, text)
    const block = freeBlock(text)
    for (const inVariables of [true, false]) {
      const sealed = this.#sealedBy(block, inVariables)
      const rendered = sealed.render(this.#variables(messages, options, sealed.seal))
      if (sealed.unseal(rendered) === text) return this.#segmentsOf(sealed, rendered, messages, options)
    }
    const found = 'one that compares them with contents'
    throw new TextError(
      `chat_template: expected a template whose special tokens can be told from contents, got ${found}`,
    )
  }

  #segmentsOf(sealed: SealedTemplate, rendered: string, messages: readonly Message[], options: ChatOptions): Segment[] {
    const pieces = this.#piecesOf(sealed, rendered)
    if (!pieces.some(({ kind }) => kind === 'spelled')) return pieces.map(toSegment)
    const render = (change: (text: string) => string): Piece[] => {
      const changed = messages.map((message) => withTexts(message, change) as Message)
      const variables = this.#variables(changed, withTexts(options, change) as ChatOptions, sealed.seal)
      return this.#piecesOf(sealed, sealed.render(variables))
    }
    // What is spelled out when nothing that a user wrote can be part of a token, the template puts together from
    // pieces ('<|' + role + '|>').
    const inert = (text: string): string => this.#vocabulary.withoutSpecialSigns(text)
    const composed = spelledIn(render(inert)).filter((token) => inert(token) !== token)
    const own = new Set(composed)
    const guarded = own.size === 0 ? pieces : render((text) => this.#guarded(text, own, sealed.guard))
    if (spelledIn(guarded, own).join('') !== composed.join(''))
      throw new TextError('chat_template: expected the same special tokens whatever the contents are, got a difference')
    return guarded.map((piece) => {
      if (piece.kind === 'spelled' && own.has(piece.text)) return { text: piece.text, trusted: true }
      return { text: piece.text.replaceAll(sealed.guard, ''), trusted: piece.kind === 'sealed' }
    })
  }

  #piecesOf(sealed: SealedTemplate, rendered: string): Piece[] {
    const pieces: Piece[] = []
    let run = ''
    const flush = (): void => {
      for (const [at, text] of this.#vocabulary.splitSpecial(run).entries())
        if (text !== '') pieces.push({ text, kind: at % 2 === 1 ? 'spelled' : 'text' })
      run = ''
    }
    for (const character of rendered) {
      const token = sealed.tokenOf(character)
      if (token === undefined) run += character
      else {
        flush()
        pieces.push({ text: token, kind: 'sealed' })
      }
    }
    flush()
    return pieces
  }

  /** `text` with a guard inside each of `tokens`. */
  #guarded(text: string, tokens: ReadonlySet<string>, guard: string): string {
    const pieces = this.#vocabulary.splitSpecial(text)
    return pieces.map((piece) => (tokens.has(piece) ? piece.slice(0, 1) + guard + piece.slice(1) : piece)).join('')
  }

  #sealedBy(block: number, inVariables: boolean): SealedTemplate {
    const key = `${block} ${inVariables}`
    const known = this.#sealed.get(key)
    if (known) return known
    const tokens = TOKEN_VARIABLES.map((name) => this.#token(name))
    const split = (text: string): string[] => this.#vocabulary.splitSpecial(text)
    const sealed = sealTemplate(this.#source, block, split, tokens, inVariables)
    this.#sealed.set(key, sealed)
    return sealed
  }

  #variables(messages: readonly Message[], options: ChatOptions, seal: (token: string) => string): object {
    const { tools, generate, variables = {} } = options
    const taken = Object.keys(variables).find((name) => OWN_VARIABLES.has(name) || name.endsWith('_token'))
    if (taken !== undefined) throw new TextError(`chat_template: expected variables of its own, got '${taken}'`)
    const tokens = Object.fromEntries(TOKEN_VARIABLES.map((name) => [name, seal(this.#token(name))]))
    return {
      ...tokens,
      ...variables,
      messages: messages.map((message) => this.#shaped(message)),
      tools: tools && tools.length > 0 ? tools : null,
      add_generation_prompt: generate,
    }
  }

  #token(name: (typeof TOKEN_VARIABLES)[number]): string {
    const token = [this.#config[name] ?? []].flat()[0]
    return token === undefined ? '' : tokenText(token)
  }

  /** A message as this template knows it: most know no developer, and call them all system. */
  #shaped(message: Message): object {
    return message.role === 'developer' && !this.#source.includes('developer')
      ? { ...message, role: 'system' }
      : message
  }
}

/** A piece of what a template renders: a sealed token, a special token that is spelled out, or text between them. */
interface Piece {
  readonly text: string
  readonly kind: 'sealed' | 'spelled' | 'text'
}

function toSegment({ text, kind }: Piece): Segment {
  return { text, trusted: kind === 'sealed' }
}

/** The special tokens that are spelled out, in their order: all, or those of `tokens`. */
function spelledIn(pieces: readonly Piece[], tokens?: ReadonlySet<string>): string[] {
  return pieces.filter(({ kind, text }) => kind === 'spelled' && (tokens?.has(text) ?? true)).map(({ text }) => text)
}

/** A template that leaves out what the user said would give an answer to something else; one may change it a little. */
function requireUserContents(messages: readonly Message[], text: string): void {
  const lost = messages.find(({ role, content }) => {
    if (role !== 'user' || typeof content !== 'string' || content.trim() === '') return false
    const words = content.trim().split(/\s+/)
    return ![words[0], words.at(-1)].some((word) => word !== undefined && text.includes(word))
  })
  if (lost) throw new TextError('chat_template: expected the content of every message, got one of user left out')
}

/** `value` with all its texts changed, those in lists and objects and their keys too; a message's role stays. */
function withTexts(value: unknown, change: (text: string) => string, name = ''): unknown {
  if (typeof value === 'string') return name === 'role' ? value : change(value)
  if (Array.isArray(value)) return value.map((item) => withTexts(item, change))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [change(key), withTexts(item, change, key)]))
}

/** Stands for the end of the conversation that is already there: Unicode keeps it from being a character of any text. */
const END_MARK = '\u{FDD0}'

/**
 * The segments that come after the last reply's end token, which the conversation has read. A template may write
 * earlier messages differently now; the conversation goes on from what it was really fed.
 */
function afterLastReply(
  template: TemplateText,
  messages: readonly Message[],
  options: ChatOptions,
  vocabulary: Vocabulary,
  eos: readonly number[],
): Segment[] {
  const prelude = preludeOf(messages)
  const afterMark = (all: readonly Message[], generate: boolean): Segment[] => {
    const segments = template.segments(all, { ...options, generate })
    const at = segments.findIndex(({ text }) => text.includes(END_MARK))
    if (at < 0)
      throw new TextError('chat_template: expected the content of every message, got one of assistant left out')
    const [marked, ...rest] = segments.slice(at) as [Segment, ...Segment[]]
    return [{ ...marked, text: marked.text.slice(marked.text.indexOf(END_MARK) + 1) }, ...rest]
  }
  const all = afterMark([...prelude, ...messages], options.generate)
  const ends = ({ text, trusted }: Segment): boolean => trusted && eos.includes(vocabulary.idOf(text) ?? -1)
  const closing = afterMark(prelude, false)
  const end = closing.findIndex(ends) + 1 || closing.length
  const rest = withoutStart(all, closing.slice(0, end)) ?? withoutFirstToken(all)
  if (rest) return rest
  throw new TextError(
    'chat_template: expected the end of a reply to be rendered alike whatever follows, got a difference',
  )
}

/** What comes after a special token at the beginning: templates may end a reply that others follow with another one. */
function withoutFirstToken(segments: readonly Segment[]): Segment[] | undefined {
  const at = segments.findIndex(({ trusted }) => trusted)
  const between = segments.slice(0, at).every(({ text }) => text.trim() === '')
  return at >= 0 && between ? segments.slice(at + 1) : undefined
}

/** `segments` without `start`; undefined if they begin otherwise. */
function withoutStart(segments: readonly Segment[], start: readonly Segment[]): Segment[] | undefined {
  const last = start.length - 1
  const same = start.every(({ text, trusted }, at) => {
    const other = segments[at]
    if (other?.trusted !== trusted) return at === last && text === ''
    return at < last || trusted ? other.text === text : other.text.startsWith(text)
  })
  if (!same) return undefined
  const rest = segments.slice(last)
  const [first] = rest
  if (!first) return []
  return [{ ...first, text: first.text.slice((start[last] as Segment).text.length) }, ...rest.slice(1)]
}

/** A conversation that ends in a reply; it called a tool if the messages begin with what tools returned. */
function preludeOf(messages: readonly Message[]): Message[] {
  const user: Message = { role: 'user', content: '-' }
  const next = messages.findIndex(({ role }) => role !== 'tool')
  const results = messages.slice(0, next < 0 ? messages.length : next)
  if (results.length === 0) return [user, { role: 'assistant', content: END_MARK }]
  const calls = results.map(({ name, tool_call_id: id }, at): ToolCall => {
    const text = at === results.length - 1 ? END_MARK : '-'
    return { id: id ?? '', type: 'function', function: { name: name ?? 'tool', arguments: { '-': text } } }
  })
  return [user, { role: 'assistant', content: END_MARK, tool_calls: calls }]
}
