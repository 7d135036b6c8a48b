import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js'
import type { ComponentName } from '../../src/api/openapi/components.ts'
import { openApiDocument } from '../../src/api/openapi/document.ts'

export interface Operation {
  operationId: string
  responses: Record<string, { content?: Record<string, { schema: object }> }>
}

const openApi = openApiDocument('1.2.3')

/** Every operation of the document with its path and method. */
export const operations: { path: string; method: string; operation: Operation }[] = Object.entries(
  openApi.paths as unknown as Record<string, Record<string, Operation>>,
).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
)

const ajv = new Ajv2020({ strict: false, validateFormats: false })
ajv.addSchema({ $id: 'https://boxlet.test/openapi', components: openApi.components })

/** What does not fit a schema of the document, whose references are to its components. */
export function faultsBy(schema: object, value: unknown): ErrorObject[] {
  const text = JSON.stringify(schema).replaceAll(
    '"#/components/',
    '"https://boxlet.test/openapi#/components/',
  )
  return ajv.validate(JSON.parse(text), value) ? [] : (ajv.errors ?? [])
}

export const faultsByName = (name: ComponentName, value: unknown): ErrorObject[] =>
  faultsBy({ $ref: `#/components/schemas/${name}` }, value)
