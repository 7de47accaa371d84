/** A form of multipart/form-data: what an upload is sent as. */
import { ApiError } from '../openai/errors.ts'
import type { RequestContext } from './context.ts'
import { readBytes } from './read-body.ts'

/** The fields by name; of a field that is there twice the last. Throws ApiError for what is no such form, or too long. */
export async function readForm(c: RequestContext, limit: number): Promise<Record<string, string | File>> {
  const type = c.req.header('content-type') ?? ''
  if (!/^multipart\/form-data\s*;/iu.test(type)) {
    const message = 'The request needs the header Content-Type: multipart/form-data, with its boundary.'
    throw new ApiError(415, 'unsupported_media_type', message)
  }
  const bytes = await readBytes(c, limit)
  try {
    const form = await new Response(new Uint8Array(bytes), { headers: { 'content-type': type } }).formData()
    return Object.fromEntries(form)
  } catch (cause) {
    throw new ApiError(400, 'invalid_body', 'The request body is not the form that its Content-Type says.', { cause })
  }
}
