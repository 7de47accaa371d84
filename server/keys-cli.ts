/** The command `mneme keys`: makes, lists and takes away the keys of a keys file. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { ConfigError } from './config-error.ts'
import { hashOf, readKeysFile, SCOPES, writeKeysFile, type KeyEntry } from './keys-file.ts'

interface Options {
  readonly keysFile: string
  readonly tenant?: string
  readonly scopes?: string
}

const READ_AGAIN = 'A server that runs reads the file again when it gets SIGHUP.'

/** The command `mneme keys`. */
export function keysCommand(): Command {
  const command = new Command('keys').description('make, list and take away the keys of a keys file')
  const add = (usage: string, about: string): Command =>
    command
      .command(usage)
      .description(about)
      .option('--keys-file <file>', 'the file, as for mneme serve', process.env['MNEME_KEYS_FILE'] ?? 'keys.json')
  add('add <name>', `make a key and print it, this once. ${READ_AGAIN}`)
    .option('--tenant <name>', 'whose data it reaches (default: its name)')
    .option('--scopes <list>', `of ${SCOPES.join(', ')}, with commas between (default: api)`)
    .action((name: string, { keysFile, tenant, scopes }: Options) => {
      const keys = existsSync(keysFile) ? readKeysFile(keysFile) : []
      const key = randomBytes(32).toString('hex')
      const made = {
        name,
        hash: hashOf(key).toString('hex'),
        ...(tenant === undefined ? {} : { tenant }),
        scopes: (scopes ?? 'api').split(',') as KeyEntry['scopes'],
      }
      writeKeysFile(keysFile, [...keys, made])
      process.stdout.write(`${key}\n`)
    })
  add('list', 'names, tenants and scopes').action(({ keysFile }: Options) => {
    for (const key of readKeysFile(keysFile))
      process.stdout.write(`${key.name}  ${key.tenant ?? key.name}  ${key.scopes.join(',')}\n`)
  })
  add('remove <name>', `take a key away. ${READ_AGAIN}`).action((name: string, { keysFile }: Options) => {
    const keys = readKeysFile(keysFile)
    const left = keys.filter((key) => key.name !== name)
    if (left.length === keys.length) throw new ConfigError(`${keysFile}: no key is named '${name}'`)
    writeKeysFile(keysFile, left)
    process.stdout.write(`removed: ${name}\n`)
  })
  return command
}
