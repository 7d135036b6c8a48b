import { useState } from 'preact/hooks'

interface Props {
  text: string
  title: string
  note?: string | undefined
}

/** Text with a button that copies it. Where the clipboard is barred, as on plain http, the text is selected. */
export function Copyable({ text, title, note }: Props) {
  const [done, setDone] = useState('')
  const id = `copy-${title.replace(/\W+/g, '-')}`
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setDone('Copied')
    } catch {
      const target = document.getElementById(id)
      if (target !== null) {
        getSelection()?.selectAllChildren(target)
      }
      setDone('Selected: press Ctrl-C')
    }
    setTimeout(() => setDone(''), 2_000)
  }
  return (
    <figure class="copyable">
      <figcaption>
        {title}
        <button type="button" onClick={() => void copy()} aria-label={`Copy ${title}`}>
          Copy
        </button>
        <span role="status">{done}</span>
      </figcaption>
      {note && <p class="hint">{note}</p>}
      {/* biome-ignore-start lint/a11y/noNoninteractiveTabindex: a region that scrolls has to take the arrow keys */}
      <section id={id} class="code" tabIndex={0} aria-label={title}>
        <pre>
          <code>{text}</code>
        </pre>
      </section>
      {/* biome-ignore-end lint/a11y/noNoninteractiveTabindex: as above */}
    </figure>
  )
}
