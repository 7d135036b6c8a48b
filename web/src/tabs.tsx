import type { ComponentChildren } from 'preact'
import { useRef, useState } from 'preact/hooks'

interface Tab {
  id: string
  title: string
  /** Made when it is looked at. */
  content(): ComponentChildren
}

/** Tabs as the ARIA authoring practices describe them: one stop for Tab, arrow keys between. */
export function Tabs({ tabs }: { tabs: readonly Tab[] }) {
  const [chosen, setChosen] = useState(tabs[0]?.id)
  const list = useRef<HTMLDivElement>(null)
  const move = (event: KeyboardEvent) => {
    const at = tabs.findIndex(({ id }) => id === chosen)
    const to =
      event.key === 'ArrowRight'
        ? (at + 1) % tabs.length
        : event.key === 'ArrowLeft'
          ? (at + tabs.length - 1) % tabs.length
          : event.key === 'Home'
            ? 0
            : event.key === 'End'
              ? tabs.length - 1
              : undefined
    if (to === undefined) {
      return
    }
    event.preventDefault()
    setChosen(tabs[to]?.id)
    list.current?.querySelectorAll('button')[to]?.focus()
  }
  return (
    <div class="tabs">
      <div role="tablist" aria-label="Views of the result" ref={list} onKeyDown={move}>
        {tabs.map(({ id, title }) => (
          <button
            key={id}
            type="button"
            role="tab"
            id={`tab-${id}`}
            aria-selected={id === chosen}
            aria-controls={`panel-${id}`}
            tabIndex={id === chosen ? 0 : -1}
            onClick={() => setChosen(id)}
          >
            {title}
          </button>
        ))}
      </div>
      {tabs.map(({ id, content }) => (
        <div key={id} role="tabpanel" id={`panel-${id}`} aria-labelledby={`tab-${id}`} hidden={id !== chosen}>
          {id === chosen && content()}
        </div>
      ))}
    </div>
  )
}
