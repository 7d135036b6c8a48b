import { PAGE_VIEWS } from '../../src/api/page-views.ts'
import type { ModelEntry } from './api.ts'
import { ThemeButton } from './theme-button.tsx'
import type { View } from './use-view.ts'

interface Props {
  view: View
  onView(view: View): void
  models: readonly ModelEntry[]
  name: string | undefined
  onModel(name: string): void
  /** A second model, on the same pictures. */
  other: string | undefined
  onOther(name: string | undefined): void
}

const TITLES: Record<View, string> = { detect: 'Detect', gallery: 'Jobs', docs: 'API' }

export function Header({ view, onView, models, name, onModel, other, onOther }: Props) {
  return (
    <header>
      <h1>
        <img src="/favicon.svg" alt="" width="28" height="28" /> Boxlet
      </h1>
      <nav aria-label="Views">
        {(Object.keys(TITLES) as View[]).map((to) => (
          <a
            key={to}
            href={PAGE_VIEWS[to]}
            aria-current={to === view ? 'page' : undefined}
            onClick={(event) => {
              // Another tab or window is the browser's matter.
              if (!(event.ctrlKey || event.metaKey || event.shiftKey)) {
                event.preventDefault()
                onView(to)
              }
            }}
          >
            {TITLES[to]}
          </a>
        ))}
      </nav>
      {view === 'detect' && (
        <>
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
          {models.length > 1 && (
            <label class="model-choice">
              <span>Beside</span>
              <select
                value={other ?? ''}
                onChange={(event) => onOther(event.currentTarget.value || undefined)}
              >
                <option value="">no other</option>
                {models
                  .filter((entry) => entry.name !== name)
                  .map((entry) => (
                    <option key={entry.name} value={entry.name}>
                      {entry.name}
                    </option>
                  ))}
              </select>
            </label>
          )}
        </>
      )}
      <ThemeButton />
    </header>
  )
}
