/** The entry point of the typed client. */
export type { CallOptions } from './call-options.ts'
export { createClient, type Client, type ClientOptions } from './client.ts'
export { MnemeError } from './error.ts'
export type { Connection, Socket, SocketConstructor } from './socket.ts'
export type * from './conversations.ts'
export type * from './memories.ts'
export type * from './wire.ts'
