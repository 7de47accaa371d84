/** The table of all endpoints. */
import type { Deps } from '../deps.ts'
import { socketEndpoint } from '../socket/endpoint.ts'
import { embedEndpoints } from './embed.ts'
import type { Endpoint } from './endpoint.ts'
import { episodeEndpoints } from './episodes.ts'
import { fileEndpoints } from './files.ts'
import { generateEndpoints } from './generate.ts'
import { memoryEndpoints } from './memories.ts'
import { memoryStoreEndpoints } from './memory-stores.ts'
import { memoryVersionEndpoints } from './memory-versions.ts'
import { storeMemoryEndpoints } from './store-memories.ts'
import { statusEndpoints } from './status.ts'
import { conversationEndpoints } from './conversations.ts'
import { conversationItemEndpoints } from './conversation-items.ts'
import { storedEndpoints } from './stored.ts'
import { vectorStoreEndpoints } from './vector-stores.ts'
import { vectorStoreFileEndpoints } from './vector-store-files.ts'

export function allEndpoints(deps: Deps): readonly Endpoint[] {
  const endpoints: readonly Endpoint[] = [
    ...generateEndpoints(deps),
    ...embedEndpoints(deps),
    socketEndpoint(deps),
    ...storedEndpoints(deps),
    ...conversationEndpoints(deps),
    ...conversationItemEndpoints(deps),
    ...memoryEndpoints(deps),
    ...episodeEndpoints(deps),
    ...fileEndpoints(deps),
    ...vectorStoreEndpoints(deps),
    ...vectorStoreFileEndpoints(deps),
    ...memoryStoreEndpoints(deps),
    ...storeMemoryEndpoints(deps),
    ...memoryVersionEndpoints(deps),
    ...statusEndpoints(deps, () => endpoints),
  ]
  return endpoints
}
