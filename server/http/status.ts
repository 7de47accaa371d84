/** The endpoints that say how we are: probes, metrics, version, models, the API's description. */
import type { Deps } from '../deps.ts'
import type { ServedEmbedder } from '../embedding/served-embedder.ts'
import type { ModelInfo } from '../engine/messages.ts'
import { pickModel, type ServedModel } from '../served-model.ts'
import type { RequestContext } from './context.ts'
import type { Endpoint } from './endpoint.ts'
import { openApi } from './openapi.ts'

/** `all` gives every endpoint, for the description. */
export function statusEndpoints(deps: Deps, all: () => readonly Endpoint[]): Endpoint[] {
  const probe = { method: 'GET', access: 'public', whileStopping: true } as const
  const models = { method: 'GET', access: 'api', whileStopping: false } as const
  const ready = (c: RequestContext): Response => readiness(deps, c)
  let description: string | null = null
  return [
    { ...probe, path: '/livez', summary: 'Whether the process runs', answer: (c) => c.json({ status: 'ok' }) },
    { ...probe, path: '/readyz', summary: 'Whether requests are taken', answer: ready },
    { ...probe, path: '/health', summary: 'The same as /readyz', answer: ready },
    {
      method: 'GET',
      path: '/metrics',
      summary: 'Metrics for Prometheus, of all tenants together',
      access: 'metrics',
      whileStopping: true,
      async answer(c) {
        const { registry } = deps.metrics
        return c.body(await registry.metrics(), 200, { 'content-type': registry.contentType })
      },
    },
    { ...models, path: '/version', summary: 'What runs here', answer: async (c) => c.json(await version(deps)) },
    {
      ...models,
      path: '/openapi.json',
      summary: 'This description',
      answer(c) {
        // It never changes, and making it takes as long as a hundred small requests.
        description ??= JSON.stringify(openApi(deps.version, all()))
        return c.body(description, 200, { 'content-type': 'application/json' })
      },
    },
    {
      ...models,
      path: '/v1/models',
      summary: 'List the models',
      answer: (c) =>
        c.json({ object: 'list', data: [...deps.models.map(modelObject), ...deps.embedders.map(embedderObject)] }),
    },
    {
      ...models,
      // Names may contain slashes.
      path: '/v1/models/:id{.+}',
      summary: 'Describe a model',
      answer(c) {
        const name = c.req.param('id')
        const embedder = deps.embedders.find((one) => one.name === name)
        const model = deps.models.find((one) => one.name === name)
        return c.json(embedder && !model ? embedderObject(embedder) : modelObject(pickModel(deps.models, name)))
      },
    },
  ]
}

function readiness(deps: Deps, c: RequestContext): Response {
  const missing = deps.models.filter((model) => model.restarting).map(({ name }) => name)
  if (deps.lifecycle.draining) return c.json({ status: 'stopping' }, 503)
  if (missing.length > 0) return c.json({ status: 'starting', models: missing }, 503)
  return c.json({ status: 'ok' })
}

async function version(deps: Deps): Promise<object> {
  const { vectorIndex, memoryStore, ...store } = await deps.store.statistics()
  const [models, embedders] = [deps.models.map(describe), deps.embedders.map(describeEmbedder)]
  const { memories, verify } = deps
  const gates = describeGating(deps)
  const critic = deps.critic?.name ?? 'rules'
  const smallTalk = deps.smallTalk?.name ?? null
  const running = { name: 'mneme', version: deps.version, node: process.version }
  return {
    ...running,
    models,
    embedders,
    memories,
    verify,
    critic,
    small_talk: smallTalk,
    reader: deps.reader?.name ?? null,
    gates,
    memoryStore,
    vectorIndex,
    store,
  }
}

/** What decides gates that no request forces. */
function describeGating({ gating: { controller, refused, thresholds } }: Deps): object {
  if (!controller) return { by: 'threshold', thresholds, controller: null, refused }
  const { name, bundle, parameters } = controller
  return { by: 'controller', thresholds: controller.thresholds, controller: { name, bundle, parameters }, refused }
}

function embedderObject({ name, created, bundle, architecture, maxTokens, width }: ServedEmbedder): object {
  const mneme = { bundle, architecture, loaded: true, embedding_width: width }
  return { id: name, object: 'model', created, owned_by: 'mneme', max_model_len: maxTokens, mneme }
}

function describeEmbedder({
  name,
  bundle,
  architecture,
  parameters,
  maxTokens,
  width,
  runtime,
}: ServedEmbedder): object {
  return { name, bundle, architecture, parameters, max_model_len: maxTokens, embedding_width: width, runtime }
}

function modelObject(model: ServedModel): object {
  const { name, created, bundle, architecture, contextLength, loaded, info } = model
  const mneme = { bundle, architecture, loaded, ...(info && formatsOf(info)) }
  return { id: name, object: 'model', created, owned_by: 'mneme', max_model_len: contextLength, mneme }
}

function describe(model: ServedModel): object {
  const { name, bundle, architecture, kernels, parameters, contextLength, info, loaded } = model
  return {
    name,
    bundle,
    architecture,
    kernels,
    parameters,
    max_model_len: contextLength,
    loaded,
    runtime: info?.runtime ?? null,
    state_bytes: info?.stateBytes ?? null,
    ...(info && formatsOf(info)),
  }
}

/** The formats of its calls and its reasoning; null where it has none. */
function formatsOf({ format }: ModelInfo): object {
  const { tools, reasoning } = format
  const delimiters = reasoning && `${reasoning.open}...${reasoning.close}`
  return { tool_format: tools, reasoning_format: tools === 'harmony' ? 'harmony' : delimiters }
}
