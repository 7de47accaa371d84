/** The entry point of the typed client. */
export { createClient, type CallOptions, type Client, type ClientOptions } from './client.ts'
export { MnemeError } from './error.ts'
export type { Connection, Socket, SocketConstructor } from './socket.ts'
export type * from './wire.ts'
