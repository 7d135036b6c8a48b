import { type FormPart, readForm } from '../../native/form.ts'

const forms = new WeakMap<Uint8Array, Promise<FormPart[]>>()

/** The parts of a form; read once, for the key and for the picture. @throws BoxletError REQUEST_INVALID */
export function formOf(body: Uint8Array, contentType: string | undefined): Promise<FormPart[]> {
  if (body.byteLength === 0 || contentType?.toLowerCase().startsWith('multipart/form-data') !== true) {
    return Promise.resolve(fieldsOf(body, contentType))
  }
  let parts = forms.get(body)
  if (parts === undefined) {
    parts = readForm(body, contentType, 1)
    forms.set(body, parts)
  }
  return parts
}

/** Bytes of a form without files: a key and a threshold. */
const MOST_BYTES = 16 * 1024

/** Clients that send no file write the key in the form of a page. */
function fieldsOf(body: Uint8Array, contentType: string | undefined): FormPart[] {
  if (!contentType?.startsWith('application/x-www-form-urlencoded') || body.byteLength > MOST_BYTES) {
    return []
  }
  return [...new URLSearchParams(new TextDecoder().decode(body))].map(([name, text]) => ({ name, text }))
}

export function textOf(parts: readonly FormPart[], wanted: string): string | undefined {
  const part = parts.find(({ name }) => name === wanted)
  return part !== undefined && 'text' in part && part.text !== '' ? part.text : undefined
}
