import type { Detection } from '../api.ts'
import { colourOf, textOn } from '../colours.ts'

interface Props {
  /** Of one model, or of two that are compared. */
  detections: readonly Detection[]
  thresholds: readonly { name: string; value: number; set(threshold: number): void }[]
  hidden: ReadonlySet<string>
  onHidden(hidden: ReadonlySet<string>): void
}

/** Thresholds and classes. Both work on what the service has already sent. */
export function Filters({ detections, thresholds, hidden, onHidden }: Props) {
  const least = Math.min(...thresholds.map(({ value }) => value))
  const classes = new Map<string, { classId: number; count: number }>()
  for (const { label, classId, score } of detections) {
    const entry = classes.get(label) ?? { classId, count: 0 }
    classes.set(label, { classId, count: entry.count + (score >= least ? 1 : 0) })
  }
  const seen = [...classes].filter(([label, { count }]) => count > 0 || hidden.has(label))
  const toggle = (label: string) => {
    const next = new Set(hidden)
    if (!next.delete(label)) {
      next.add(label)
    }
    onHidden(next)
  }
  return (
    <div class="filters">
      {thresholds.map(({ name, value, set }) => (
        <label class="threshold" key={name}>
          <span>{thresholds.length > 1 ? name : 'Confidence threshold'}</span>
          <input
            type="range"
            min="0.05"
            max="0.99"
            step="0.01"
            value={value}
            onInput={(event) => set(Number(event.currentTarget.value))}
          />
          <output>{Math.round(value * 100)} %</output>
        </label>
      ))}
      {seen.length > 0 && (
        <fieldset class="classes">
          <legend class="unseen">Classes shown</legend>
          {seen.map(([label, { classId, count }]) => (
            <button
              key={label}
              type="button"
              class="chip"
              aria-pressed={!hidden.has(label)}
              onClick={() => toggle(label)}
              style={{ '--colour': colourOf(classId), '--on-colour': textOn(classId) }}
            >
              {label} <b>{count}</b>
            </button>
          ))}
        </fieldset>
      )}
    </div>
  )
}
