/** A hub on this machine: the endpoints for data sets and models that are asked, as the real one answers them. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ByteWriter, parquetWrite } from 'hyparquet-writer'

/** Files of one commit, by path. */
export type Files = Readonly<Record<string, Uint8Array>>

export interface HubState {
  readonly repo: string
  /** A model's weights are large files with a sha256. */
  readonly kind?: 'dataset' | 'model'
  /** Branches and commits; a branch says which commit it is. */
  readonly branches: Record<string, string>
  readonly commits: Record<string, Files>
  /** The parsed header of the card. */
  card?: object
  /** Without it everybody may read. */
  token?: string
  /** Called before each answer; what it returns is sent instead of the answer. */
  trouble?: (request: IncomingMessage, asked: number) => 'cut' | 'gone' | number | undefined
}

export interface HubServer {
  readonly url: string
  readonly state: HubState
  /** Bytes of files that were sent. */
  sent(): number
  close(): Promise<void>
}

const filesOnPage = 3

export async function startHub(state: HubState): Promise<HubServer> {
  let sent = 0
  let asked = 0
  const server = createServer((request, response) => {
    const trouble = state.trouble?.(request, asked++)
    if (trouble === 'gone') request.socket.destroy()
    else if (typeof trouble === 'number') response.writeHead(trouble).end()
    else sent += answer(state, request, response, trouble === 'cut')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    state,
    sent: () => sent,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** A parquet file of texts, conversations, or any columns, in groups of rows. */
export function parquet(columns: Readonly<Record<string, readonly unknown[]>>, rowGroupSize = 4): Uint8Array {
  const writer = new ByteWriter()
  const chat = (name: string) => [
    { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' } as const,
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 } as const,
    { name: 'element', repetition_type: 'OPTIONAL', num_children: 2 } as const,
    ...['role', 'content'].map(text),
  ]
  const text = (name: string) =>
    ({ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' }) as const
  const named = Object.entries(columns)
  const schema = named.flatMap(([name, data]) => (Array.isArray(data[0]) ? chat(name) : [text(name)]))
  void parquetWrite({
    writer,
    columnData: named.map(([name, data]) => ({ name, data: [...data] })),
    schema: [{ name: 'root', num_children: named.length }, ...schema],
    rowGroupSize,
  })
  return new Uint8Array(writer.getBuffer())
}

/** Answers, and says how many bytes of a file that were. */
function answer(state: HubState, request: IncomingMessage, response: ServerResponse, cut: boolean): number {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://hub')
  const path = decodeURIComponent(pathname)
  const refuse = (status: number): number => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error: 'no' }))
    return 0
  }
  if (path.startsWith('/cdn/')) return sendFile(path.slice('/cdn/'.length), state, request, response, cut)
  if (state.token !== undefined && request.headers.authorization !== `Bearer ${state.token}`) return refuse(401)
  const kind = state.kind ?? 'dataset'
  const api = `/api/${kind}s/${state.repo}/`
  const resolve = `${kind === 'model' ? '' : '/datasets'}/${state.repo}/resolve/`
  if (path.startsWith(`${api}revision/`)) {
    const sha = commitOf(state, path.slice(`${api}revision/`.length))
    if (sha === undefined) return refuse(404)
    const about = { _id: '1', id: state.repo, private: false, downloads: 0, likes: 0, gated: false, lastModified: 0 }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ ...about, sha, cardData: state.card }))
    return 0
  }
  if (path.startsWith(`${api}tree/`)) {
    const files = state.commits[path.slice(`${api}tree/`.length)]
    return files === undefined
      ? refuse(404)
      : sendPage(files, Number(searchParams.get('cursor') ?? 0), request, response)
  }
  if (!path.startsWith(resolve)) return refuse(404)
  const [revision, ...rest] = path.slice(resolve.length).split('/')
  const file = `${commitOf(state, revision ?? '')}/${rest.join('/')}`
  const bytes = fileOf(state, file)
  if (bytes === undefined) return refuse(404)
  if (request.headers.accept?.includes('xet-fileinfo')) {
    const host = `http://${request.headers.host}`
    response.writeHead(200, {
      'content-type': 'application/vnd.xet-fileinfo+json',
      'x-linked-size': bytes.length,
      'x-xet-hash': '0'.repeat(64),
      etag: '"1"',
      link: `<${host}/xet-auth>; rel="xet-auth", <${host}/xet>; rel="xet-reconstruction-info"`,
    })
    response.end('{}')
  } else response.writeHead(302, { location: `/cdn/${file}` }).end()
  return 0
}

function sendPage(files: Files, from: number, request: IncomingMessage, response: ServerResponse): number {
  const entries = Object.entries(files).map(([path, bytes]) => ({ type: 'file', path, ...hashes(path, bytes) }))
  const next = `http://${request.headers.host}${request.url?.replace(/&cursor=.*/, '')}&cursor=${from + filesOnPage}`
  const more = from + filesOnPage < entries.length
  response.writeHead(200, {
    'content-type': 'application/json',
    ...(more ? { link: `<${next}>; rel="next"` } : {}),
  })
  response.end(JSON.stringify(entries.slice(from, from + filesOnPage)))
  return 0
}

function hashes(path: string, bytes: Uint8Array): object {
  const size = bytes.length
  const oid = createHash('sha1').update(`blob ${size}\0`).update(bytes).digest('hex')
  if (!/\.(?:safetensors|gguf)$/.test(path)) return { size, oid }
  return { size, oid, lfs: { oid: createHash('sha256').update(bytes).digest('hex'), size, pointerSize: 130 } }
}

function sendFile(
  file: string,
  state: HubState,
  request: IncomingMessage,
  response: ServerResponse,
  cut: boolean,
): number {
  const bytes = fileOf(state, file)!
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
  const [from, to] = range ? [Number(range[1]), Math.min(Number(range[2]) + 1, bytes.length)] : [0, bytes.length]
  const part = bytes.subarray(from, to)
  response.writeHead(range ? 206 : 200, {
    'content-length': part.length,
    ...(range ? { 'content-range': `bytes ${from}-${to - 1}/${bytes.length}` } : {}),
  })
  if (cut) response.write(part.subarray(0, part.length / 2), () => request.socket.destroy())
  else response.end(part)
  return part.length
}

function commitOf({ branches, commits }: HubState, revision: string): string | undefined {
  return branches[revision] ?? (commits[revision] === undefined ? undefined : revision)
}

function fileOf({ commits }: HubState, file: string): Uint8Array | undefined {
  const [commit, ...path] = file.split('/')
  return commits[commit ?? '']?.[path.join('/')]
}
