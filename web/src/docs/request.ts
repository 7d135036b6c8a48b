/** What a person has filled in, as a request and as the curl call that sends the same. */
import { queryOf } from '../api.ts'
import type { Entry } from './open-api.ts'

export interface Filled {
  /** Of parameters by name; an empty text is none. */
  values: Readonly<Record<string, string>>
  text: string
  file?: File
  type: string
}

function partsOf({ path, operation }: Entry, { values }: Filled) {
  const given = (operation.parameters ?? []).filter(({ name }) => (values[name] ?? '') !== '')
  const of = (place: string) =>
    given.filter((parameter) => parameter.in === place).map(({ name }) => [name, values[name] ?? ''] as const)
  const query = queryOf(Object.fromEntries(of('query')))
  const filledPath = path.replace(/\{(\w+)\}/g, (whole, name: string) =>
    values[name] ? encodeURIComponent(values[name]) : whole,
  )
  return { address: filledPath + (query === '' ? '' : `?${query}`), headers: of('header') }
}

export function requestOf(entry: Entry, filled: Filled): { path: string; init: RequestInit } {
  const { address, headers } = partsOf(entry, filled)
  const init: RequestInit = { method: entry.method.toUpperCase(), headers: Object.fromEntries(headers) }
  if (entry.operation.requestBody) {
    init.body = bodyOf(filled)
    if (filled.type !== FORM) {
      const type = filled.type === 'image/*' ? (filled.file?.type ?? 'application/octet-stream') : filled.type
      init.headers = { ...init.headers, 'content-type': type }
    }
  }
  return { path: address, init }
}

const FORM = 'multipart/form-data'

function bodyOf({ type, text, file }: Filled): BodyInit {
  if (file === undefined) {
    return text
  }
  if (type !== FORM) {
    return file
  }
  const form = new FormData()
  form.append('image', file)
  return form
}

/** A text in single quotes for a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

export function curlOf(entry: Entry, filled: Filled, hasKey: boolean): string {
  const { address, headers } = partsOf(entry, filled)
  const method = entry.method.toUpperCase()
  const isFile = filled.file !== undefined
  const body =
    entry.operation.requestBody === undefined
      ? []
      : filled.type === FORM
        ? ['-F image=@photo.jpg']
        : isFile || /image|octet/.test(filled.type)
          ? ['--data-binary @photo.jpg']
          : [`-H ${quoted(`content-type: ${filled.type}`)}`, `-d ${quoted(filled.text || '{}')}`]
  return [
    `curl${method === 'GET' ? '' : ` -X ${method}`}`,
    ...(hasKey ? ['-H "Authorization: Bearer $BOXLET_KEY"'] : []),
    ...headers.map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...body,
    quoted(location.origin + address),
  ].join(' \\\n  ')
}
