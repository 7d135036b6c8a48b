import {
  type ConversionConfig,
  type JsonSchema,
  toJsonSchema,
  toJsonSchemaDefs,
} from '@valibot/to-json-schema'
import type * as v from 'valibot'
import type { Parameters } from '../values.ts'
import { COMPONENTS, type ComponentName } from './components.ts'

/** What callers send and get: transformations are left out, and checks by functions, which no schema can name. */
const CONFIG: ConversionConfig = {
  target: 'draft-2020-12',
  typeMode: 'input',
  ignoreActions: ['check'],
  overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
  // `opaque` brings its type with it.
  overrideSchema: ({ valibotSchema }) => (valibotSchema.type === 'custom' ? {} : undefined),
}

export const componentSchemas = (): Record<keyof typeof COMPONENTS, JsonSchema> =>
  toJsonSchemaDefs(COMPONENTS, CONFIG) as Record<keyof typeof COMPONENTS, JsonSchema>

/** One schema, with references to the components that it uses. */
export function jsonSchema(schema: v.GenericSchema): JsonSchema {
  const { $schema, $defs, ...own } = toJsonSchema(schema, { ...CONFIG, definitions: COMPONENTS })
  return own
}

export const ref = (name: ComponentName) => ({ $ref: `#/components/schemas/${name}` })

export interface Parameter {
  name: string
  in: 'query' | 'path' | 'header'
  required?: true
  schema: object
  description?: string
}

export function parameter(name: string, place: Parameter['in'], schema: v.GenericSchema): Parameter {
  const { description, ...rest } = jsonSchema(schema)
  return {
    name,
    in: place,
    ...(place === 'path' && { required: true as const }),
    schema: rest,
    ...(description !== undefined && { description }),
  }
}

export const queryParameters = (table: Parameters): Parameter[] =>
  Object.entries(table).map(([name, schema]) => parameter(name, 'query', schema))
