/** The fields that requests share. Every limit is here, with its reason. */
import { z } from 'zod'
import type { Json } from '../../runtime/text.ts'
import { done, loose, noEffect, refused, strict } from './field.ts'
import { VERIFY_MODES } from '../critic/verify-mode.ts'
import { MEMORY_MODES } from '../memory/memory-mode.ts'

/** Replies of one request at most: each is a row of the batch (docs of vLLM advise a limit after CVE-2026-34756). */
export const MAX_CHOICES = 16
/** Prompts of one request times its choices. */
export const MAX_REPLIES = 64
/** Tokens of one reply at most. */
export const MAX_OUTPUT_TOKENS = 131_072
/** Each stop string is looked for after every token. */
const MAX_STOPS = 16
const MAX_STOP_LENGTH = 256
const MAX_BIASES = 1024
/** Of a label that is kept in memory. */
const MAX_LABEL_LENGTH = 512
const MAX_TOP_LOGPROBS = 20
/** A draft and the token before it are one call, which is as dear as several calls of a token. */
export const MAX_DRAFT_TOKENS = 15

const outputLimit = {
  message: `at most ${MAX_OUTPUT_TOKENS} tokens are generated in one reply`,
  params: { code: 'context_length_exceeded' },
}

/** Tokens of a reply. -1 is the default, as llama.cpp's clients send it. */
export const outputTokens = (min: number) =>
  z
    .int()
    .refine((n) => n === -1 || n >= min, { message: `expected a number from ${min}, or -1 for the default` })
    .refine((n) => n <= MAX_OUTPUT_TOKENS, outputLimit)
    .transform((n) => (n === -1 ? null : n))

/** Whole numbers of 64 bits; beyond 2^53 JSON's numbers are rounded, to the same seed each time. */
const seed = z.number().refine((n) => Number.isInteger(n) && n >= -(2 ** 63) && n <= 2 ** 64, {
  message: 'expected a whole number of at most 64 bits',
})

const stopText = z.string().max(MAX_STOP_LENGTH)
/** Empty strings stop nothing. */
const stop = z
  .union([
    stopText,
    z.array(stopText).max(MAX_STOPS, `expected at most ${MAX_STOPS} strings of at most ${MAX_STOP_LENGTH} characters`),
  ])
  .transform((value) => [value].flat().filter((text) => text !== ''))

const logitBias = z
  .record(z.string().regex(/^\d{1,9}$/, 'expected a token id'), z.number().min(-100).max(100))
  .refine((biases) => Object.keys(biases).length <= MAX_BIASES, `expected at most ${MAX_BIASES} tokens`)

/** Sampling that every endpoint takes at top level. */
export const sampling = {
  temperature: done(z.number().min(0).max(2), '0 to 2; 0 takes the likeliest token. Default: the bundle, else 1.'),
  top_p: done(z.number().min(0).max(1), '0 to 1. Default: the bundle, else 1.'),
  top_k: done(z.int().min(-1).max(1_000_000), 'The likeliest so many tokens; 0 or -1: all.'),
  min_p: done(z.number().min(0).max(1), 'Tokens at least so likely, relative to the likeliest.'),
  repetition_penalty: done(z.number().min(0.1).max(10), '0.1 to 10; 1: none.'),
  frequency_penalty: done(z.number().min(-2).max(2), '-2 to 2.'),
  presence_penalty: done(z.number().min(-2).max(2), '-2 to 2.'),
  logit_bias: done(logitBias, `Token ids to -100 to 100, at most ${MAX_BIASES}.`),
  seed: done(seed, 'A whole number of 64 bits. The same request with the same seed gives the same reply.'),
  stop: done(stop, `A string or up to ${MAX_STOPS}; empty ones stop nothing. The text ends before the first.`),
}

const memory = loose({
  mode: done(z.enum(MEMORY_MODES), ''),
  namespace: done(z.string().min(1).max(256), ''),
  user_id: done(z.string().min(1).max(256), ''),
  pin: done(z.boolean(), ''),
})
const exitGate = { early_exit: done(z.union([z.boolean(), z.number().min(0).max(1)]), '') }
const gate = done(z.boolean(), '')
const gates = strict({ ...exitGate, episodic: gate, semantic: gate, expert_bias: gate, verification: gate })

const ownOptions = {
  ...sampling,
  bundle: done(z.string().max(128), ''),
}

/** What requests say of early exits; docs/early-exit.md. */
const EXIT =
  '`gates`: `early_exit` true or false decides whether an early exit drafts; a number from 0 to 1 lets it decide tokens ' +
  'by itself from such a margin on, and the reply may be another.'

/** What requests say of memories; docs/memory.md. */
const MEMORY =
  '`memory`: `mode` (`on`, `read` or `off`), `namespace` and `user_id` of the memories that the turn uses, `pin` to keep the ' +
  'turn in the index of episodes. `gates`: true or false decides whether memories (`semantic`) and turns of other ' +
  'conversations (`episodic`) are read, whether the reply is checked (`verification`), whether experts get a bias ' +
  '(`expert_bias`), docs/controller.md; `early_exit` what an early exit does, docs/early-exit.md. ' +
  '`verify`: what is done with a reply that is wrong about ' +
  'its user, docs/critic.md.'

/** Our own options, and sampling once more, for clients that refuse to send what OpenAI does not have at top level. */
export const mneme = done(
  strict({ ...ownOptions, gates: done(strict(exitGate), '') }),
  `\`bundle\`: refuse if another bundle would answer. ${EXIT} The sampling fields are taken here too.`,
)

/** The same for chats. */
export const chatMneme = done(
  strict({ ...ownOptions, memory: done(memory, ''), gates: done(gates, ''), verify: done(z.enum(VERIFY_MODES), '') }),
  `\`bundle\`: refuse if another bundle would answer. ${MEMORY} The sampling fields are taken here too.`,
)

/** The same for responses. */
export const responseMneme = done(
  strict({
    ...ownOptions,
    memory: done(memory, ''),
    gates: done(gates, ''),
    verify: done(z.enum(VERIFY_MODES), ''),
    progress: done(z.boolean(), ''),
    rejected_calls: noEffect('Of the response sent back.'),
    previous_response_id: noEffect('Of the response sent back.'),
  }),
  '`bundle`: refuse if another bundle would answer. `progress`: events that say how far a long prompt is. ' +
    `${MEMORY} The sampling fields are taken here too.`,
)

export const modelName = done(z.string().max(256), 'Name of a served model. Default: the first.')
export const choices = z.int().min(1).max(MAX_CHOICES)
export const topLogprobs = z.int().min(0).max(MAX_TOP_LOGPROBS)

export const streamOptions = done(
  loose({
    include_usage: done(z.boolean(), ''),
    include_obfuscation: refused('', false),
    continuous_usage_stats: done(z.boolean(), ''),
  }),
  '`include_usage`: usage in a last chunk; `continuous_usage_stats`: in every chunk. Without `stream` no effect.',
)

/** Drafts of replies. */
export const drafts = {
  'speculative.n_max': done(
    z.int().min(0).max(MAX_DRAFT_TOKENS),
    `Tokens of a draft at most, 0 to ${MAX_DRAFT_TOKENS}; 0: no drafts. Default: the server's \`--draft-max\`; with a ` +
      '`seed`, no drafts.',
  ),
  'speculative.n_min': noEffect('llama.cpp; the length of a draft follows from how often drafts were right.'),
  'speculative.p_min': noEffect('llama.cpp; as `speculative.n_min`.'),
}

/** Fields of other servers' sampling, with the values that switch them off. */
export const otherSampling = {
  typical_p: refused('llama.cpp.', 1, 0),
  top_n_sigma: refused('llama.cpp.', -1, 0),
  top_a: refused('OpenRouter.', 0),
  tfs_z: refused('llama.cpp.', 1),
  xtc_probability: refused('llama.cpp.', 0),
  xtc_threshold: noEffect('llama.cpp; xtc_probability is off.'),
  dynatemp_range: refused('llama.cpp.', 0),
  dynatemp_exponent: noEffect('llama.cpp; dynatemp_range is off.'),
  mirostat: refused('llama.cpp.', 0, false),
  mirostat_tau: noEffect('llama.cpp; mirostat is off.'),
  mirostat_eta: noEffect('llama.cpp; mirostat is off.'),
  dry_multiplier: refused('llama.cpp.', 0),
  dry_base: noEffect('llama.cpp; dry_multiplier is off.'),
  dry_allowed_length: noEffect('llama.cpp; dry_multiplier is off.'),
  dry_penalty_last_n: noEffect('llama.cpp; dry_multiplier is off.'),
  dry_sequence_breakers: noEffect('llama.cpp; dry_multiplier is off.'),
  repeat_penalty: refused('llama.cpp, over a window; use repetition_penalty.', 1, 0),
  repeat_last_n: noEffect('llama.cpp; repeat_penalty is off.'),
  samplers: refused('llama.cpp.', []),
  use_beam_search: refused('vLLM.', false),
  length_penalty: refused('vLLM, of beam search.', 1, 0),
  early_stopping: refused('vLLM, of beam search.', false),
  min_tokens: refused('vLLM.', 0),
  n_predict: refused("llama.cpp; use the endpoint's own maximum.", -1),
  ignore_eos: refused('vLLM and llama.cpp.', false),
  include_stop_str_in_output: refused('vLLM.', false),
  stop_token_ids: refused('vLLM.', []),
  bad_words: refused('vLLM.', []),
  allowed_token_ids: refused('vLLM.', []),
  logits_processors: refused('vLLM.', []),
  skip_special_tokens: refused('vLLM; they are always skipped.', true),
  spaces_between_special_tokens: noEffect('vLLM; special tokens are skipped.'),
  truncate_prompt_tokens: refused('vLLM.', -1),
  prompt_logprobs: refused('vLLM; /v1/completions has echo with logprobs.', false),
  grammar: refused('llama.cpp.', ''),
  json_schema: refused('llama.cpp.', {}),
  guided_json: refused('vLLM.'),
  guided_regex: refused('vLLM.', ''),
  guided_choice: refused('vLLM.', []),
  guided_grammar: refused('vLLM.', ''),
  structured_outputs: refused('vLLM.'),
  regex: refused('SGLang.', ''),
  ebnf: refused('SGLang.', ''),
  lora: refused('llama.cpp.', []),
  t_max_predict_ms: refused('llama.cpp.', 0, -1),
  return_tokens: refused('llama.cpp.', false),
  return_token_ids: refused('vLLM.', false),
  return_tokens_as_token_ids: refused('vLLM.', false),
  return_progress: refused('llama.cpp; comments of the stream say it.', false),
  timings_per_token: refused('llama.cpp.', false),
  post_sampling_probs: refused('llama.cpp.', false),
}

/** Labels, and hints for caches and scheduling. */
export const hints = {
  user: noEffect('A label.'),
  safety_identifier: done(
    z.unknown(),
    'Whose memories a chat or response uses, where `mneme.memory.user_id` and `metadata.user_id` are absent.',
  ),
  request_id: noEffect('A label (vLLM).'),
  prompt_cache_key: done(
    z.string().max(MAX_LABEL_LENGTH),
    'Kept states with the same key count as used together; none is needed for a hit.',
  ),
  prompt_cache_retention: done(
    z.enum(['in_memory', 'in-memory', '24h']),
    '`24h`: the states that the prompt leaves are kept on disk too, for 24 hours after their last use.',
  ),
  prompt_cache_options: noEffect('A hint for caches.'),
  cache_prompt: noEffect('A hint for caches (llama.cpp).'),
  cache_salt: noEffect('A hint for caches (vLLM); nothing is shared between tenants.'),
  n_cache_reuse: noEffect('A hint for caches (llama.cpp).'),
  id_slot: noEffect('A place in llama.cpp.'),
  n_keep: noEffect("For llama.cpp's context shift."),
  n_discard: noEffect("For llama.cpp's context shift."),
  keep_alive: noEffect('How long Ollama keeps the model loaded.'),
  service_tier: noEffect('Which capacity to use; there is one.'),
  priority: noEffect('Scheduling (vLLM).'),
}

/** Options of reasoning where no chat template is applied. */
export const noReasoning = {
  reasoning: noEffect('Of chats.'),
  reasoning_effort: noEffect('Of chats.'),
  include_reasoning: noEffect('Of chats.'),
  reasoning_format: noEffect('Of chats (llama.cpp).'),
  thinking: noEffect('Of chats.'),
  enable_thinking: noEffect('Of chats.'),
  thinking_budget: noEffect('Of chats.'),
}

const effort = z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'])
const json = z.unknown().transform((value) => value as Json)

/** Options of reasoning. They take effect where the chat template looks at them. */
export const reasoning = {
  reasoning: done(
    loose({ effort: done(effort, ''), enabled: done(z.boolean(), ''), exclude: done(z.boolean(), '') }),
    '`effort` as `reasoning_effort`; `enabled` as `enable_thinking`; `exclude: true` as `include_reasoning: false`.',
  ),
  reasoning_effort: done(
    effort,
    '`none` and `minimal` switch thinking off, other values switch it on and are given to the template (`low`, `medium`, ' +
      '`high`), where it has such a switch. Elsewhere no effect.',
  ),
  include_reasoning: done(z.boolean(), 'false: the reasoning is not sent.'),
  reasoning_format: refused('llama.cpp; reasoning is a field of its own.', 'auto', 'deepseek'),
  thinking: done(
    z.union([z.boolean(), z.looseObject({ type: z.enum(['enabled', 'disabled', 'adaptive', 'auto']) })]),
    'A boolean, or `{"type": "enabled" | "disabled"}`: as `enable_thinking`.',
  ),
  enable_thinking: done(z.boolean(), 'Whether the model thinks first, where its template has that switch.'),
  thinking_budget: refused('', -1),
  chat_template_kwargs: done(
    z.record(z.string().max(64), json),
    "Variables of the model's chat template, such as `enable_thinking` and `preserve_thinking`; those that it does not " +
      'look at have no effect.',
  ),
}

/** At most 16 pairs of short strings, kept with the response. */
export const metadata = z
  .record(z.string().max(64), z.string().max(512))
  .refine((pairs) => Object.keys(pairs).length <= 16, 'expected at most 16 pairs')
