import { useEffect, useId, useState } from 'preact/hooks'
import { type ApiError, asApiError, call, hasKey } from '../api.ts'
import { Copyable } from '../copyable.tsx'
import { Trouble } from '../trouble.tsx'
import type { Entry, Parameter } from './open-api.ts'
import { curlOf, type Filled, requestOf } from './request.ts'

interface Answer {
  status: number
  text?: string
  picture?: string
  milliseconds: number
}

/** Longer answers say no more to a reader. */
const MOST_SHOWN = 100_000

/** Fields for the parameters and the body, the request as curl, and what the service answers. */
export function TryForm({ entry }: { entry: Entry }) {
  const { operation } = entry
  const [filled, setFilled] = useState<Filled>({ values: {}, text: '', type: typesOf(entry)[0] ?? '' })
  const [answer, setAnswer] = useState<Answer>()
  const [error, setError] = useState<ApiError>()
  const [busy, setBusy] = useState(false)
  useEffect(() => () => void (answer?.picture && URL.revokeObjectURL(answer.picture)), [answer])
  const set = (part: Partial<Filled>) => setFilled((before) => ({ ...before, ...part }))

  const send = async () => {
    const started = performance.now()
    setBusy(true)
    setError(undefined)
    setAnswer(undefined)
    try {
      const { path, init } = requestOf(entry, filled)
      const response = await call(path, init)
      setAnswer({
        ...(await read(response)),
        status: response.status,
        milliseconds: performance.now() - started,
      })
    } catch (problem) {
      setError(asApiError(problem))
    } finally {
      setBusy(false)
    }
  }
  return (
    <form
      class="try"
      onSubmit={(event) => {
        event.preventDefault()
        void send()
      }}
    >
      <h4>Try it</h4>
      <div class="filter-bar">
        {(operation.parameters ?? []).map((parameter) => (
          <ParameterField
            key={parameter.in + parameter.name}
            parameter={parameter}
            value={filled.values[parameter.name] ?? ''}
            onValue={(value) => set({ values: { ...filled.values, [parameter.name]: value } })}
          />
        ))}
      </div>
      {operation.requestBody && <BodyField entry={entry} filled={filled} onFilled={set} />}
      <Copyable title={`curl for ${operation.operationId}`} text={curlOf(entry, filled, hasKey())} />
      <button type="submit" class="main" disabled={busy}>
        Send
      </button>
      {error && (
        <Trouble error={{ message: `${error.status || ''} ${error.message}`.trim(), hint: error.hint }} />
      )}
      {answer && (
        <div role="status">
          <p>
            <b>{answer.status}</b> in {answer.milliseconds.toFixed(0)} ms
          </p>
          {answer.picture && <img class="answer" src={answer.picture} alt="What the service answered" />}
        </div>
      )}
      {answer?.text !== undefined && (
        <Copyable title={`Answer of ${operation.operationId}`} text={answer.text} />
      )}
    </form>
  )
}

const typesOf = ({ operation }: Entry) => Object.keys(operation.requestBody?.content ?? {})

interface FieldProps {
  parameter: Parameter
  value: string
  onValue(value: string): void
}

function ParameterField({ parameter: { name, required, schema }, value, onValue }: FieldProps) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{name}</label>
      {schema.enum ? (
        <select
          id={id}
          value={value}
          required={required ?? false}
          onChange={(event) => onValue(event.currentTarget.value)}
        >
          <option value="" />
          {schema.enum.map((choice) => (
            <option key={String(choice)}>{String(choice)}</option>
          ))}
        </select>
      ) : (
        <input
          id={id}
          type="text"
          value={value}
          required={required ?? false}
          placeholder={schema.default === undefined ? '' : String(schema.default)}
          onInput={(event) => onValue(event.currentTarget.value)}
        />
      )}
    </div>
  )
}

interface BodyProps {
  entry: Entry
  filled: Filled
  onFilled(part: Partial<Filled>): void
}

function BodyField({ entry, filled, onFilled }: BodyProps) {
  const types = typesOf(entry)
  const isText = /json|text|jsonl|csv/.test(filled.type)
  return (
    <div class="filter-bar">
      <label class="field">
        Type of the body
        <select value={filled.type} onChange={(event) => onFilled({ type: event.currentTarget.value })}>
          {types.map((type) => (
            <option key={type}>{type}</option>
          ))}
        </select>
      </label>
      {isText ? (
        <label class="field wide">
          Body
          <textarea
            rows={4}
            value={filled.text}
            placeholder="{}"
            onInput={(event) => onFilled({ text: event.currentTarget.value })}
          />
        </label>
      ) : (
        <label class="field">
          File
          <input
            type="file"
            onChange={(event) => {
              const file = event.currentTarget.files?.[0]
              if (file !== undefined) {
                onFilled({ file })
              }
            }}
          />
        </label>
      )}
    </div>
  )
}

async function read(response: Response): Promise<Pick<Answer, 'text' | 'picture'>> {
  const type = response.headers.get('content-type') ?? ''
  if (type.startsWith('image/')) {
    return { picture: URL.createObjectURL(await response.blob()) }
  }
  const text = await response.text()
  try {
    return { text: JSON.stringify(JSON.parse(text), undefined, 2).slice(0, MOST_SHOWN) }
  } catch {
    return { text: text.slice(0, MOST_SHOWN) }
  }
}
