import { useState } from 'preact/hooks'
import type { Content, Document, Entry, Parameter } from './open-api.ts'
import { typeOf } from './open-api.ts'
import { SchemaView } from './schema-view.tsx'
import { TryForm } from './try-form.tsx'

/** One operation: closed a line, open all that the document says of it, and a form to try it. */
export function OperationView({ entry, document }: { entry: Entry; document: Document }) {
  const { method, path, operation } = entry
  const [isOpen, setOpen] = useState(location.hash === `#${operation.operationId}`)
  return (
    <details
      class="operation"
      id={operation.operationId}
      open={isOpen}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary>
        <b class={`method ${method}`}>{method.toUpperCase()}</b> <code>{path}</code>{' '}
        <span>{operation.summary}</span>
      </summary>
      {isOpen && (
        <div class="operation-body">
          {operation.description && <p>{operation.description}</p>}
          <Parameters list={operation.parameters ?? []} />
          {operation.requestBody && (
            <>
              <h4>Body</h4>
              <Contents content={operation.requestBody.content} document={document} />
            </>
          )}
          <h4>Answers</h4>
          {Object.entries(operation.responses).map(([status, { description, content }]) => (
            <div key={status} class="response">
              <p>
                <b>{status}</b> {description}
              </p>
              {content && status.startsWith('2') && <Contents content={content} document={document} />}
            </div>
          ))}
          <TryForm entry={entry} />
        </div>
      )}
    </details>
  )
}

function Parameters({ list }: { list: readonly Parameter[] }) {
  return (
    list.length > 0 && (
      <>
        <h4>Parameters</h4>
        <dl class="schema-list">
          {list.map(({ name, in: place, required, schema, description }) => (
            <div key={place + name} class="schema-row">
              <dt>
                <code>{name}</code>
                {!required && '?'} <small>{place}</small>
              </dt>
              <dd>
                <i>{typeOf(schema)}</i> {description ?? schema.description}
              </dd>
            </div>
          ))}
        </dl>
      </>
    )
  )
}

const Contents = ({ content, document }: { content: Content; document: Document }) => (
  <>
    {Object.entries(content).map(([type, { schema }]) => (
      <div key={type}>
        <code>{type}</code>
        {schema && <SchemaView schema={schema} document={document} />}
      </div>
    ))}
  </>
)
