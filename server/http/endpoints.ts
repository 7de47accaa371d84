/** The table of all endpoints. */
import type { Deps } from '../deps.ts'
import { socketEndpoint } from '../socket/endpoint.ts'
import { embedEndpoints } from './embed.ts'
import type { Endpoint } from './endpoint.ts'
import { episodeEndpoints } from './episodes.ts'
import { generateEndpoints } from './generate.ts'
import { memoryEndpoints } from './memories.ts'
import { statusEndpoints } from './status.ts'
import { storedEndpoints } from './stored.ts'

export function allEndpoints(deps: Deps): readonly Endpoint[] {
  const endpoints: readonly Endpoint[] = [
    ...generateEndpoints(deps),
    ...embedEndpoints(deps),
    socketEndpoint(deps),
    ...storedEndpoints(deps),
    ...memoryEndpoints(deps),
    ...episodeEndpoints(deps),
    ...statusEndpoints(deps, () => endpoints),
  ]
  return endpoints
}
