import { useState } from 'preact/hooks'

/** Shown when the service asks for a key. */
export function KeyForm({ onKey }: { onKey(key: string): void }) {
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
        />
      </label>
      <button type="submit">Use key</button>
    </form>
  )
}
