import type { ModelEntry } from './api.ts'
import { ThemeButton } from './theme-button.tsx'

interface Props {
  models: readonly ModelEntry[]
  name: string | undefined
  onModel(name: string): void
}

export function Header({ models, name, onModel }: Props) {
  return (
    <header>
      <h1>
        <img src="/favicon.svg" alt="" width="28" height="28" /> Boxlet
      </h1>
      <label class="model-choice">
        <span>Model</span>
        <select value={name} onChange={(event) => onModel(event.currentTarget.value)}>
          {models.map((entry) => (
            <option key={entry.name} value={entry.name}>
              {entry.name}
            </option>
          ))}
        </select>
      </label>
      <a href="/openapi.json">API</a>
      <ThemeButton />
    </header>
  )
}
