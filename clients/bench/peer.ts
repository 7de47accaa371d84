/** Other servers to measure beside mneme: what `--peer` says, and what is installed. */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { InvalidArgumentError } from 'commander'

/** A server that runs at `url`, or llama.cpp's server as a program with a GGUF file. */
export type Peer =
  | { readonly kind: 'url'; readonly name: string; readonly url: string }
  | { readonly kind: 'llama-server'; readonly program: string; readonly gguf: string | undefined }

const LLAMA = 'llama-server'
const FORMS = `expected NAME=http://HOST:PORT, ${LLAMA}, ${LLAMA}=PROGRAM or ${LLAMA}=PROGRAM:MODEL.gguf`

/** Reads one `--peer`; commander collects them. Throws InvalidArgumentError. */
export function parsePeer(value: string, all: readonly Peer[] = []): Peer[] {
  const [, name = value, rest = ''] = /^([^=]*)=(.*)$/.exec(value) ?? []
  if (/^https?:\/\//.test(rest) && URL.canParse(rest)) return [...all, { kind: 'url', name, url: rest }]
  if (name !== LLAMA) throw new InvalidArgumentError(FORMS)
  const [, given = rest, gguf] = /^(.*):([^:]+\.gguf)$/.exec(rest) ?? []
  const program = given === '' ? onPath(LLAMA) : given
  if (program === undefined) throw new InvalidArgumentError(`expected ${LLAMA} on the PATH, found none`)
  if (gguf !== undefined && !existsSync(gguf))
    throw new InvalidArgumentError(`expected a GGUF file, got nothing at ${gguf}`)
  return [...all, { kind: LLAMA, program, gguf }]
}

/** llama.cpp's server where it is installed and reads the model's file. */
export function installedPeers(model: string | undefined): Peer[] {
  const program = onPath(LLAMA)
  return program !== undefined && model?.endsWith('.gguf') ? [{ kind: LLAMA, program, gguf: model }] : []
}

function onPath(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  return folders.map((folder) => join(folder, program)).find((file) => existsSync(file))
}
