import { Component } from 'preact'
import type { Shown } from '../api.ts'
import { colourOf } from '../colours.ts'

interface Props {
  shown: readonly Shown[]
  active: number | undefined
  pinned: number | undefined
  /** Objects above the threshold whose class is hidden. */
  hiddenCount: number
  onActive(index: number | undefined): void
  onPin(index: number): void
  onShowAll(): void
  /** True once a picture has been looked at. */
  looked: boolean
}

/** What was found, best first. Pointing at or focusing an entry marks its box; a click keeps it marked. */
export function ObjectList(props: Props) {
  const { shown, active, pinned, hiddenCount, onShowAll, looked } = props
  return (
    <>
      {hiddenCount > 0 && (
        <p class="hidden-note">
          {hiddenCount} hidden by class.{' '}
          <button type="button" onClick={onShowAll}>
            Show all
          </button>
        </p>
      )}
      {shown.length === 0 && hiddenCount === 0 && (
        <p class="hint">
          {looked ? 'Nothing at this threshold. Move the slider to the left.' : 'No picture yet.'}
        </p>
      )}
      <ul class="objects">
        {shown.map((entry) => (
          <Row
            key={entry.index}
            entry={entry}
            isActive={entry.index === active}
            isPinned={entry.index === pinned}
            onActive={props.onActive}
            onPin={props.onPin}
          />
        ))}
      </ul>
    </>
  )
}

interface RowProps {
  entry: Shown
  isActive: boolean
  isPinned: boolean
  onActive(index: number | undefined): void
  onPin(index: number): void
}

/** Drawn again when it changes, so that pointing at one of three hundred redraws two. */
class Row extends Component<RowProps> {
  override shouldComponentUpdate({ entry, isActive, isPinned }: RowProps): boolean {
    const { props } = this
    return (
      entry.detection !== props.entry.detection || isActive !== props.isActive || isPinned !== props.isPinned
    )
  }

  override render({ entry: { detection, index }, isActive, isPinned, onActive, onPin }: RowProps) {
    const { label, score, box, classId } = detection
    return (
      <li>
        <button
          type="button"
          class={isActive ? 'object active' : 'object'}
          aria-pressed={isPinned}
          onClick={() => onPin(index)}
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
    )
  }
}
