/** Whether the tables of a data folder agree with each other. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** What is counted has to be 0. */
const CHECKS = {
  'pages whose count of references is wrong': `SELECT count(*) FROM page WHERE refs <>
    (SELECT count(*) FROM state WHERE state.page = page.name) +
    (SELECT count(*) FROM page AS next WHERE next.previous = page.name)`,
  'pages that nothing refers to': 'SELECT count(*) FROM page WHERE refs <= 0',
  'pages that follow one that is not there': `SELECT count(*) FROM page
    WHERE previous IS NOT NULL AND previous NOT IN (SELECT name FROM page)`,
  'states whose page is not there': `SELECT count(*) FROM state
    WHERE page IS NOT NULL AND page NOT IN (SELECT name FROM page)`,
  'states without a turn': 'SELECT count(*) FROM state WHERE id NOT IN (SELECT id FROM response)',
  'bytes of states that are counted wrongly': `SELECT abs((SELECT value FROM counter WHERE name = 'stateBytes') -
    coalesce((SELECT sum(length(fixed) + length(tail)) FROM state), 0) -
    coalesce((SELECT sum(length(bytes)) FROM page), 0))`,
  'owners whose bytes are counted wrongly': `SELECT count(*) FROM owner_bytes WHERE bytes <>
    coalesce((SELECT sum(length(fixed) + length(tail)) FROM state WHERE state.owner = owner_bytes.owner), 0) +
    coalesce((SELECT sum(length(bytes)) FROM page WHERE page.owner = owner_bytes.owner), 0)`,
  'namespaces whose memories are counted wrongly': `SELECT count(*) FROM memory_scope WHERE
    texts <> (SELECT count(*) FROM memory WHERE memory.scope = memory_scope.scope) OR
    words <> (SELECT coalesce(sum(words), 0) FROM memory WHERE memory.scope = memory_scope.scope)`,
  'words of memories that are not there': 'SELECT count(*) FROM memory_word WHERE seq NOT IN (SELECT seq FROM memory)',
  'memories whose words are counted wrongly': `SELECT count(*) FROM memory WHERE words <>
    coalesce((SELECT sum(count) FROM memory_word WHERE memory_word.scope = memory.scope AND memory_word.seq = memory.seq), 0)`,
  'history of memories that are not there':
    'SELECT count(*) FROM memory_event WHERE seq NOT IN (SELECT seq FROM memory)',
  'uses of memories or by responses that are not there': `SELECT count(*) FROM memory_use
    WHERE memory NOT IN (SELECT seq FROM memory) OR response NOT IN (SELECT id FROM response)`,
  'groups of memories that are not there, or of one that stands behind another': `SELECT count(*) FROM memory_group
    WHERE member NOT IN (SELECT seq FROM memory) OR medoid NOT IN (SELECT seq FROM memory WHERE ended IS NULL)
      OR medoid IN (SELECT member FROM memory_group)`,
  'episodes of turns that are not there':
    'SELECT count(*) FROM episode WHERE response NOT IN (SELECT id FROM response)',
  'words of episodes that are not in the index':
    'SELECT count(*) FROM episode_word WHERE seq NOT IN (SELECT seq FROM episode WHERE indexed = 1)',
  'episodes whose words are counted wrongly': `SELECT count(*) FROM episode WHERE words <>
    coalesce((SELECT sum(count) FROM episode_word WHERE episode_word.seq = episode.seq), 0)`,
  'namespaces whose episodes are counted wrongly': `SELECT count(*) FROM episode_scope WHERE
    texts <> (SELECT count(*) FROM episode WHERE episode.scope = episode_scope.scope AND indexed = 1) OR
    words <> (SELECT coalesce(sum(words), 0) FROM episode WHERE episode.scope = episode_scope.scope)`,
  'owners whose episodes are counted wrongly': `SELECT count(*) FROM episode_owner WHERE
    episodes <> (SELECT count(*) FROM episode WHERE episode.owner = episode_owner.owner AND indexed = 1)`,
  'episodes that are counted wrongly': `SELECT abs((SELECT value FROM counter WHERE name = 'episodes') -
    (SELECT count(*) FROM episode WHERE indexed = 1))`,
  'pages of prefixes whose count of references is wrong': `SELECT count(*) FROM prefix_page WHERE refs <>
    (SELECT count(*) FROM prefix WHERE prefix.page = prefix_page.name) +
    (SELECT count(*) FROM prefix_page AS next WHERE next.previous = prefix_page.name)`,
  'prefixes whose page is not there': `SELECT count(*) FROM prefix
    WHERE page IS NOT NULL AND page NOT IN (SELECT name FROM prefix_page)`,
  'bytes of prefixes that are counted wrongly': `SELECT abs((SELECT value FROM counter WHERE name = 'prefixBytes') -
    coalesce((SELECT sum(length(fixed) + length(tail) + length(calls) + coalesce(length(tokens), 0)) FROM prefix), 0) -
    coalesce((SELECT sum(length(bytes)) FROM prefix_page), 0))`,
}

/** What does not agree in a folder that no server uses, in sentences. In a process of its own, which ends the lock. */
export function disagreements(folder: string): string[] {
  const script = `
    const database = new (require('libsql'))(process.argv[1])
    database.exec('CREATE INDEX temporary_page ON page (previous); CREATE INDEX temporary_prefix ON prefix_page (previous)')
    database.exec('CREATE INDEX temporary_state ON state (page); CREATE INDEX temporary_user ON prefix (page)')
    const found = []
    for (const [what, sql] of Object.entries(JSON.parse(process.argv[2]))) {
      const count = Object.values(database.prepare(sql).get())[0]
      if (count !== 0) found.push(count + ' ' + what)
    }
    const integrity = Object.values(database.prepare('PRAGMA integrity_check').get())[0]
    if (integrity !== 'ok') found.push('integrity: ' + integrity)
    for (const name of ['page', 'prefix', 'state', 'user']) database.exec('DROP INDEX temporary_' + name)
    process.stdout.write(JSON.stringify(found))
  `
  const args = ['-e', script, join(folder, 'mneme.db'), JSON.stringify(CHECKS)]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`checking ${folder} failed: ${stderr}`)
  return JSON.parse(stdout) as string[]
}
