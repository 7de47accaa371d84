/** Which names a client may call the server by, and which web pages may use it. */
import { isIP } from 'node:net'

export interface AccessRules {
  /**
   * Whether a request that names `host` in its Host header is meant for this server. A web page whose own name was made
   * to resolve to this machine (DNS rebinding) gives that name. Addresses, localhost and names without a dot, which
   * only a local network gives, cannot be such names.
   */
  allowsHost(host: string): boolean
  /** Whether pages of `origin` may use the server. The server's own pages, `http://host`, may. */
  allowsOrigin(origin: string, host: string): boolean
}

export interface AccessOptions {
  /** Whether requests need a key. A page of a foreign name has none, so any name will do then. */
  readonly keysRequired: boolean
  readonly allowedHosts: readonly string[]
  readonly allowedOrigins: readonly string[]
}

export function createAccessRules({ keysRequired, allowedHosts, allowedOrigins }: AccessOptions): AccessRules {
  const hosts = new Set(allowedHosts.map((host) => host.toLowerCase()))
  const origins = new Set(allowedOrigins)
  return {
    allowsHost(host) {
      const name = nameOf(host)
      if (name === null) return false
      if (isIP(name) !== 0 || !name.includes('.') || name.endsWith('.localhost') || hosts.has(name)) return true
      return keysRequired && hosts.size === 0
    },
    allowsOrigin: (origin, host) =>
      origins.has('*') || origins.has(origin) || origin === `http://${host.toLowerCase()}`,
  }
}

/** The name or address of a Host header, without its port; null if it is none. */
function nameOf(host: string): string | null {
  if (!URL.canParse(`http://${host}`)) return null
  const { hostname, username, pathname, search } = new URL(`http://${host}`)
  if (username !== '' || pathname !== '/' || search !== '') return null
  return hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
}
