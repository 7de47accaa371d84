/**
 * Kills a server N times while four clients talk to it, and counts what was lost. `npx tsx tests/bench/kill.ts [N=200]`
 * Exit code 1 if anything was.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClients, inspect, talkAndKill } from '../support/kill-cycle.ts'
import { startFakeServer } from '../support/process.ts'

const kills = Number(process.argv[2] ?? 200)
const folder = mkdtempSync(join(tmpdir(), 'mneme-kill-'))
const clients = createClients(4)
for (let i = 0; i < kills; i++) await talkAndKill(folder, clients, 50 + Math.random() * 450)
const server = await startFakeServer({ flags: { data: folder } })
const { lost, half } = await inspect(server, clients)
server.child.kill('SIGTERM')
await server.exited
rmSync(folder, { recursive: true })
const acknowledged = clients.reduce((sum, client) => sum + client.acknowledged.length, 0)
const begun = clients.reduce((sum, client) => sum + client.begun.length, 0)
console.log(JSON.stringify({ kills, clients: clients.length, acknowledged, interrupted: begun, lost, half }))
process.exitCode = lost + half > 0 ? 1 : 0
