/** The routes that say how we are: probes, metrics, version, models, the API's description. */
import type { Deps } from '../deps.ts'
import { ApiError } from '../openai/errors.ts'
import { openApi } from '../openai/openapi.ts'
import { pickModel, type ServedModel } from '../served-model.ts'
import type { App } from './context.ts'

export function statusRoutes(app: App, deps: Deps): void {
  app.get('/livez', (c) => c.json({ status: 'ok' }))
  for (const path of ['/readyz', '/health']) {
    app.get(path, (c) => {
      const missing = deps.models.filter((model) => model.info === null).map(({ name }) => name)
      if (deps.lifecycle.draining) return c.json({ status: 'stopping' }, 503)
      if (missing.length > 0) return c.json({ status: 'starting', models: missing }, 503)
      return c.json({ status: 'ok' })
    })
  }
  app.get('/metrics', async (c) => {
    const { registry } = deps.metrics
    return c.body(await registry.metrics(), 200, { 'content-type': registry.contentType })
  })
  app.get('/version', async (c) => {
    const store = await deps.store.statistics()
    return c.json({
      name: 'mneme',
      version: deps.version,
      node: process.version,
      models: deps.models.map(describe),
      store,
    })
  })
  app.get('/openapi.json', (c) => c.json(openApi(deps.version)))
  app.get('/v1/models', (c) => c.json({ object: 'list', data: deps.models.map(modelObject) }))
  app.get('/v1/models/:id', (c) => c.json(modelObject(pickModel(deps.models, c.req.param('id')))))
  app.notFound((c) => {
    throw new ApiError(404, 'not_found', `There is no ${c.req.method} ${c.req.path.slice(0, 100)}.`)
  })
}

function modelObject({ name, created, bundle, architecture }: ServedModel): object {
  return { id: name, object: 'model', created, owned_by: 'mneme', mneme: { bundle, architecture } }
}

function describe({ name, bundle, architecture, kernels, parameters, info }: ServedModel): object {
  return {
    name,
    bundle,
    architecture,
    kernels,
    parameters,
    runtime: info?.runtime ?? null,
    state_bytes: info?.stateBytes ?? null,
  }
}
