import type { Shown } from './api.ts'
import { colourOf } from './colours.ts'

interface Props {
  shown: readonly Shown[]
  active: number | undefined
  onActive(index: number | undefined): void
  /** True once a picture has been looked at. */
  looked: boolean
}

/** What was found, best first. Pointing at or focusing an entry marks its box. */
export function ObjectList({ shown, active, onActive, looked }: Props) {
  if (shown.length === 0) {
    return (
      <p class="hint">
        {looked ? 'Nothing at this threshold. Move the slider to the left.' : 'No picture yet.'}
      </p>
    )
  }
  return (
    <ul class="objects">
      {shown.map(({ detection: { label, score, box, classId }, index }) => (
        <li key={index}>
          <button
            type="button"
            class={index === active ? 'object active' : 'object'}
            onFocus={() => onActive(index)}
            onBlur={() => onActive(undefined)}
            onPointerEnter={() => onActive(index)}
            onPointerLeave={() => onActive(undefined)}
          >
            <i style={{ background: colourOf(classId) }} />
            <span class="name">{label}</span>
            <span class="score">{(score * 100).toFixed(1)} %</span>
            <span class="place">
              {Math.round(box[0])}, {Math.round(box[1])} · {Math.round(box[2] - box[0])} ×{' '}
              {Math.round(box[3] - box[1])} px
            </span>
          </button>
        </li>
      ))}
    </ul>
  )
}
