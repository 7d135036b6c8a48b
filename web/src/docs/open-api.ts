/** The parts of an OpenAPI 3.1 document that the page reads. */
import { call } from '../api.ts'

export interface Schema {
  $ref?: string
  type?: string | string[]
  description?: string
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema | false
  prefixItems?: Schema[]
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  oneOf?: Schema[]
  additionalProperties?: Schema | boolean
  default?: unknown
  minimum?: number
  maximum?: number
  format?: string
}

export interface Parameter {
  name: string
  in: 'query' | 'path' | 'header'
  required?: boolean
  schema: Schema
  description?: string
}

export type Content = Record<string, { schema?: Schema }>

export interface Operation {
  summary?: string
  description?: string
  operationId: string
  parameters?: Parameter[]
  requestBody?: { required?: boolean; content: Content }
  responses: Record<string, { description: string; content?: Content }>
}

export interface Entry {
  method: string
  path: string
  operation: Operation
}

export interface Document {
  info: { title: string; version: string; description?: string }
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Schema> }
}

export const loadDocument = async (): Promise<Document> => (await call('/openapi.json')).json()

const FIRST = 'Detection and models'

/** Operations by the first words of their paths; detection, which most people look for, before the others. */
export function groupsOf(document: Document): Map<string, Entry[]> {
  const groups = new Map<string, Entry[]>([[FIRST, []]])
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const group = groupOf(path)
      groups.set(group, [...(groups.get(group) ?? []), { method, path, operation }])
    }
  }
  return groups
}

function groupOf(path: string): string {
  if (/^\/v1\/(jobs|search)/.test(path)) {
    return 'Jobs and search'
  }
  if (path.startsWith('/v1')) {
    return FIRST
  }
  if (path.startsWith('/v2')) {
    return 'Raw tensors (open inference protocol)'
  }
  return /^\/(healthz|readyz|metrics)/.test(path) ? 'Health' : "Other programs' clients"
}

/** The schema that a reference names. */
export function resolved(schema: Schema, { components }: Document): Schema {
  const name = nameOf(schema)
  return name === undefined ? schema : (components.schemas[name] ?? schema)
}

export const nameOf = ({ $ref }: Schema): string | undefined => $ref?.split('/').at(-1)

/** What a value is, in a few words. */
export function typeOf(schema: Schema): string {
  const name = nameOf(schema)
  if (name !== undefined) {
    return name
  }
  if (schema.const !== undefined) {
    return JSON.stringify(schema.const)
  }
  if (schema.enum) {
    return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  }
  const either = schema.anyOf ?? schema.oneOf
  if (either) {
    return [...new Set(either.map(typeOf))].join(' | ')
  }
  if (schema.prefixItems) {
    return `[${schema.prefixItems.map(typeOf).join(', ')}]`
  }
  if (schema.type === 'array') {
    return `${schema.items ? typeOf(schema.items) : 'any'}[]`
  }
  const type = [schema.type ?? 'any'].flat().join(' | ')
  const { minimum: least, maximum: most } = schema
  const range = least === undefined && most === undefined ? '' : ` ${least ?? '…'} to ${most ?? '…'}`
  return type + range
}
