import { useState } from 'preact/hooks'

interface Props {
  /** A key has been given and was refused. */
  isWrong: boolean
  onKey(key: string): void
}

/** Shown when the service asks for a key. */
export function KeyForm({ isWrong, onKey }: Props) {
  const [key, setKey] = useState('')
  return (
    <form
      class="key-form"
      onSubmit={(event) => {
        event.preventDefault()
        onKey(key)
      }}
    >
      <label>
        This service asks for a key. Make one with <code>boxlet keys create</code>.
        <input
          type="password"
          autocomplete="off"
          value={key}
          onInput={(event) => setKey(event.currentTarget.value)}
          placeholder="boxlet_…"
          aria-invalid={isWrong}
        />
      </label>
      <button type="submit">Use key</button>
      {isWrong && (
        <p class="wrong" role="alert">
          The service does not know this key. It may have been revoked, or a letter is missing.
        </p>
      )}
    </form>
  )
}
