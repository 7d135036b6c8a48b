import { type Document, nameOf, resolved, type Schema, typeOf } from './open-api.ts'

interface Props {
  schema: Schema
  document: Document
  /** References that are open already: a schema that holds itself ends there. */
  within?: readonly string[]
}

/** Fields of an object with their types; those that are objects themselves open on demand. */
export function SchemaView({ schema, document, within = [] }: Props) {
  const name = nameOf(schema)
  const open = name === undefined ? within : [...within, name]
  const {
    properties,
    required = [],
    items,
    anyOf,
    oneOf,
    description,
    additionalProperties,
  } = resolved(schema, document)
  const parts = (anyOf ?? oneOf ?? []).filter((part) => hasFields(part, document))
  return (
    <div class="schema">
      {description && <p class="hint">{description}</p>}
      {properties && (
        <dl>
          {Object.entries(properties).map(([field, of]) => (
            <div key={field} class="schema-row">
              <dt>
                <code>{field}</code>
                {!required.includes(field) && '?'}
              </dt>
              <dd>
                <i>{typeOf(of)}</i> {of.description ?? resolved(of, document).description}
                <Nested schema={of} document={document} within={open} />
              </dd>
            </div>
          ))}
        </dl>
      )}
      {items && <Nested schema={items} document={document} within={open} />}
      {typeof additionalProperties === 'object' && (
        <Nested schema={additionalProperties} document={document} within={open} />
      )}
      {parts.map((part, i) => (
        <Nested key={i} schema={part} document={document} within={open} />
      ))}
    </div>
  )
}

function Nested({ schema, document, within = [] }: Props) {
  const inner = schema.type === 'array' && schema.items ? schema.items : schema
  const name = nameOf(inner)
  if (!hasFields(inner, document) || (name !== undefined && within.includes(name))) {
    return null
  }
  return (
    <details>
      <summary>{name ?? 'fields'}</summary>
      <SchemaView schema={inner} document={document} within={within} />
    </details>
  )
}

function hasFields(schema: Schema, document: Document): boolean {
  const { properties, anyOf, oneOf } = resolved(schema, document)
  return (
    properties !== undefined || (anyOf ?? oneOf ?? []).some((part) => resolved(part, document).properties)
  )
}
