import { useEffect, useState } from 'preact/hooks'
import { MAX_DETECTIONS } from '../../../src/model/contract.ts'
import type { Model, Options } from '../api.ts'

interface Props {
  model: Model | undefined
  options: Options
  onOptions(options: Options): void
}

/** Milliseconds after the last change before the service is asked again. */
const SETTLE_MS = 300

/** What only the service can do: overlap, the greatest number, tiles. Each change looks at the picture again. */
export function OptionPanel({ model, options, onOptions }: Props) {
  const [own, setOwn] = useState(options)
  useEffect(() => {
    const timer = setTimeout(() => onOptions(own), SETTLE_MS)
    return () => clearTimeout(timer)
  }, [own])
  const suppression = model?.contract.suppression
  const isSuppressed = suppression !== undefined && suppression.kind !== 'none'
  const iou = own.iou ?? suppression?.iou ?? 0.7
  const change = (part: { [K in keyof Options]: Options[K] | undefined }) => {
    const all = { ...own, ...part }
    setOwn(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)))
  }
  return (
    <details class="options">
      <summary>
        More options{Object.keys(own).length > 0 && <b> · {Object.keys(own).length} changed</b>}
      </summary>
      <label class="threshold" title="Of two boxes of a class that overlap more, the weaker is dropped.">
        <span>IoU threshold</span>
        <input
          type="range"
          min="0"
          max="1"
          step="0.05"
          value={iou}
          disabled={!isSuppressed}
          onInput={(event) => change({ iou: Number(event.currentTarget.value) })}
        />
        <output>{iou.toFixed(2)}</output>
      </label>
      {!isSuppressed && <p class="hint">This model drops overlapping boxes by itself.</p>}
      <label class="option">
        <span>Maximum detections</span>
        <input
          type="number"
          min="1"
          max={MAX_DETECTIONS}
          placeholder="model's own"
          value={own.maxDetections ?? ''}
          onInput={({ currentTarget: { valueAsNumber } }) =>
            change({ maxDetections: valueAsNumber >= 1 ? Math.round(valueAsNumber) : undefined })
          }
        />
      </label>
      <label class="option">
        <span>
          Slicing <small>looks at overlapping tiles too, for small objects</small>
        </span>
        <input
          type="checkbox"
          checked={own.slice ?? false}
          onChange={(event) => change({ slice: event.currentTarget.checked || undefined })}
        />
      </label>
      {Object.keys(own).length > 0 && (
        <button type="button" onClick={() => setOwn({})}>
          Back to the model's own
        </button>
      )}
    </details>
  )
}
