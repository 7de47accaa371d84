/** Where setup.sh builds llama.cpp's server. */
import { join } from 'node:path'

export const llamaServer = join(
  import.meta.dirname,
  '../../../.cache/peers/src/vendor/llama.cpp/build/bin/llama-server',
)
