import { useEffect, useState } from 'preact/hooks'
import { type ApiError, asApiError } from '../api.ts'
import { Trouble } from '../trouble.tsx'
import '../styles/docs.css'
import { type Document, groupsOf, loadDocument } from './open-api.ts'
import { OperationView } from './operation-view.tsx'

/** The API to read and try, made from the document that the service gives of itself. */
export function DocsView({ attempt }: { attempt: number }) {
  const [document, setDocument] = useState<Document>()
  const [error, setError] = useState<ApiError>()
  const [wanted, setWanted] = useState('')
  useEffect(() => {
    loadDocument().then(
      (loaded) => {
        setDocument(loaded)
        setError(undefined)
      },
      (problem) => setError(asApiError(problem)),
    )
  }, [attempt])
  if (document === undefined) {
    return error ? <Trouble error={error} /> : <p class="hint">Loading.</p>
  }
  const fits = (text: string) => text.toLowerCase().includes(wanted.toLowerCase())
  return (
    <div class="docs">
      <h2>
        {document.info.title} {document.info.version}
      </h2>
      <p>
        {document.info.description} <a href="/openapi.json">openapi.json</a> is the same for programs.
      </p>
      <label class="field">
        Find
        <input type="search" value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />
      </label>
      {[...groupsOf(document)].map(([group, entries]) => {
        const shown = entries.filter(({ path, method, operation }) =>
          fits(`${method} ${path} ${operation.summary}`),
        )
        return (
          shown.length > 0 && (
            <section key={group} aria-label={group}>
              <h3>{group}</h3>
              {shown.map((entry) => (
                <OperationView key={entry.operation.operationId} entry={entry} document={document} />
              ))}
            </section>
          )
        )
      })}
    </div>
  )
}
