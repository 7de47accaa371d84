/** Bytes over a connection of one's own, as no HTTP client would send them. */
import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface RawConnection {
  readonly socket: Socket
  /** What has come so far. */
  text(): string
  /** Resolves to what has come once it contains `part`, or the server has closed. */
  until(part: string): Promise<string>
  /** Resolves to all that came when the server has closed the connection. */
  readonly closed: Promise<string>
}

/** Connects to a server and sends `bytes`. Closed when the test ends. */
export function rawConnection(url: string, bytes: string | Buffer): RawConnection {
  const { hostname, port } = new URL(url)
  let received = ''
  // Written before it is connected, so that nothing that a test writes can come first.
  const socket = connect(Number(port), hostname)
  socket.write(bytes)
  socket.setEncoding('latin1')
  socket.on('data', (data) => (received += String(data)))
  socket.on('error', () => undefined) // a reset is an end too
  onTestFinished(() => void socket.destroy())
  const closed = new Promise<string>((resolve) => socket.on('close', () => resolve(received)))
  return {
    socket,
    text: () => received,
    closed,
    async until(part) {
      while (!received.includes(part) && !socket.destroyed) {
        await new Promise<void>((resolve) => {
          const settle = (): void => {
            socket.off('data', settle).off('close', settle)
            resolve()
          }
          socket.on('data', settle).on('close', settle)
        })
      }
      return received
    },
  }
}
