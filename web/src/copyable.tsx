import { useState } from 'preact/hooks'

/** Text with a button that copies it. Where the clipboard is barred, as on plain http, the text is selected. */
export function Copyable({ text, title }: { text: string; title: string }) {
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
      <pre id={id}>
        <code>{text}</code>
      </pre>
    </figure>
  )
}
