import { isRecord } from '../../../system/record.ts'
import { parseJsonObject } from '../../json-body.ts'

const documents = new WeakMap<Uint8Array, Record<string, unknown>>()

/** The JSON of a request; read once, for the key and for the picture. @throws BoxletError REQUEST_INVALID */
export function documentOf(body: Uint8Array): Record<string, unknown> {
  let document = documents.get(body)
  if (document === undefined) {
    document = parseJsonObject(body)
    documents.set(body, document)
  }
  return document
}

/** The key that clients put beside the picture. What is no JSON has none, and is refused for its form later. */
export function keyIn(body: Uint8Array): string | undefined {
  if (body[0] !== 0x7b) {
    return undefined
  }
  const document = documentOf(body)
  return isRecord(document) && typeof document.api_key === 'string' ? document.api_key : undefined
}
