import { Copyable } from '../copyable.tsx'

/** The answer of the service. Rows of numbers stay on one line: a box is read as one thing. */
export function JsonPanel({ document }: { document: unknown }) {
  if (document === undefined) {
    return <p class="hint">No answer yet.</p>
  }
  const text = JSON.stringify(document, undefined, 2).replace(
    /\[\s+(-?[\d.e+-]+(?:,\s+-?[\d.e+-]+)*)\s+\]/g,
    (row) => row.replace(/\s+/g, ' '),
  )
  return <Copyable title="Answer" text={text} />
}
