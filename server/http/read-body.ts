/** The JSON body of a request, decompressed, within the limit. */
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { parseJson } from '../openai/body.ts'
import { ApiError } from '../openai/errors.ts'
import type { RequestContext } from './context.ts'

type Decoder = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>

/** Runs beside this thread. zstd came to Node with 22.15. */
const decoders: Readonly<Record<string, Decoder>> = {
  gzip: promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip),
  'x-gzip': promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.gunzip),
  deflate: promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.inflate),
  br: promisify<Buffer, zlib.BrotliOptions, Buffer>(zlib.brotliDecompress),
  ...zstdDecoder(),
}

/** What Content-Encoding may be. */
export const ENCODINGS: readonly string[] = Object.keys(decoders)

/** Throws ApiError for what is not JSON, and as soon as it is longer than `limit` bytes, packed or unpacked. */
export async function readJson(c: RequestContext, limit: number): Promise<unknown> {
  const type = c.req.header('content-type') ?? ''
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new ApiError(415, 'unsupported_media_type', 'The request needs the header Content-Type: application/json.')
  }
  const encoding = (c.req.header('content-encoding') ?? 'identity').trim().toLowerCase()
  if (encoding !== 'identity' && !Object.hasOwn(decoders, encoding)) {
    const message = `Content-Encoding '${encoding.slice(0, 50)}' is not taken. Send the body as it is, or as ${ENCODINGS.join(', ')}.`
    throw new ApiError(415, 'unsupported_media_type', message)
  }
  const bytes = await readBytes(c, limit)
  return parseJson(encoding === 'identity' ? bytes : await unpack(bytes, encoding, limit))
}

/** The bytes of a body. Throws ApiError as soon as it is longer than `limit`. */
export async function readBytes(c: RequestContext, limit: number): Promise<Buffer> {
  if (Number(c.req.header('content-length') ?? 0) > limit) throw tooLarge(limit)
  const incoming = c.env?.incoming
  if (incoming) return readIncoming(incoming, limit)
  const bytes = Buffer.from(await c.req.arrayBuffer())
  if (bytes.length > limit) throw tooLarge(limit)
  return bytes
}

/** Reads without the framework's stream: cancelling that one closes the connection, and the answer would be lost. */
function readIncoming(incoming: Readable, limit: number): Promise<Buffer> {
  const parts: Buffer[] = []
  let size = 0
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      incoming.off('data', take).off('end', end).off('close', leave).off('error', leave)
      finish()
    }
    const take = (part: Buffer): void => {
      size += part.length
      parts.push(part)
      if (size <= limit) return
      incoming.pause()
      settle(() => reject(tooLarge(limit)))
    }
    const end = (): void => settle(() => resolve(Buffer.concat(parts)))
    const leave = (): void => settle(() => reject(new ApiError(499, 'cancelled', 'The client left.')))
    incoming.on('data', take).on('end', end).on('close', leave).on('error', leave)
    if (incoming.destroyed) leave()
  })
}

async function unpack(bytes: Buffer, encoding: string, limit: number): Promise<Buffer> {
  try {
    return await (decoders[encoding] as Decoder)(bytes, { maxOutputLength: limit })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(limit)
    throw new ApiError(400, 'invalid_body', `The request body is not valid ${encoding}.`, { cause })
  }
}

function tooLarge(limit: number): ApiError {
  return new ApiError(
    413,
    'body_too_large',
    `The request body is longer than ${limit} bytes. The server's --max-body sets this limit.`,
  )
}

function zstdDecoder(): Record<string, Decoder> {
  const { zstdDecompress } = zlib as { zstdDecompress?: typeof zlib.gunzip }
  return zstdDecompress ? { zstd: promisify<Buffer, zlib.ZlibOptions, Buffer>(zstdDecompress) } : {}
}
