import { useMemo, useRef } from 'preact/hooks'
import type { Shown } from '../api.ts'
import { colourOf, textOn } from '../colours.ts'
import { chipsOf, chipText, textSize } from './chips.ts'
import { Mask } from './mask.tsx'
import { useSize } from './use-size.ts'

export const LABEL_MODES = ['all', 'hover', 'off'] as const
export type LabelMode = (typeof LABEL_MODES)[number]

interface Props {
  size: { width: number; height: number }
  shown: readonly Shown[]
  active: number | undefined
  labels: LabelMode
  onActive(index: number | undefined): void
  onPin?(index: number): void
}

const percent = (part: number, whole: number) => `${(part / whole) * 100}%`

/**
 * Boxes in shares of the picture, so that they follow any zoom; labels in pixels, so that they stay readable. The list
 * beside the picture is what is read aloud. All but the marked box is drawn once for each answer: pointing costs little.
 */
export function Boxes({ size, shown, active, labels, onActive, onPin }: Props) {
  const layer = useRef<HTMLDivElement>(null)
  const { width, height } = useSize(layer)
  const drawn = useMemo(() => drawing(shown, size), [shown, size.width, size.height])
  const chips = useMemo(
    () => (labels === 'all' && width * height > 0 ? chipsOf(shown, size, { width, height }) : []),
    [shown, size.width, size.height, width, height, labels],
  )
  const tags = useMemo(
    () =>
      chips.map(({ index, classId, text, x1, y1, x2, y2 }) => (
        <span
          key={index}
          class="tag"
          style={{
            ...tagColours(classId),
            left: `${x1}px`,
            top: `${y1}px`,
            width: `${x2 - x1}px`,
            height: `${y2 - y1}px`,
          }}
        >
          {text}
        </span>
      )),
    [chips],
  )
  const marked = shown.find(({ index }) => index === active)
  const indexOf = (event: Event) => {
    const index = event.target instanceof HTMLElement ? event.target.dataset.index : undefined
    return index === undefined ? undefined : Number(index)
  }
  return (
    <div
      class="boxes"
      aria-hidden="true"
      ref={layer}
      style={{ '--text': `${textSize(shown.length)}px` }}
      onPointerOver={(event) => onActive(indexOf(event))}
      onPointerLeave={() => onActive(undefined)}
      onClick={(event) => {
        const index = indexOf(event)
        if (index !== undefined) {
          onPin?.(index)
        }
      }}
    >
      {drawn}
      {tags}
      {marked && <Marked size={size} entry={marked} label={labels !== 'off'} />}
    </div>
  )
}

const tagColours = (classId: number) => ({ background: colourOf(classId), color: textOn(classId) })

const placeOf = ([x1, y1, x2, y2]: Shown['detection']['box'], { width, height }: Props['size']) => ({
  left: percent(x1, width),
  top: percent(y1, height),
  width: percent(x2 - x1, width),
  height: percent(y2 - y1, height),
})

function drawing(shown: readonly Shown[], size: Props['size']) {
  // Small boxes lie over large ones, so that each can be pointed at.
  const largestFirst = [...shown].sort((a, b) => areaOf(b.detection.box) - areaOf(a.detection.box))
  return (
    <>
      {shown.map(
        ({ detection: { mask, classId }, index }) =>
          mask && <Mask key={`mask${index}`} mask={mask} classId={classId} />,
      )}
      {largestFirst.map(({ detection: { box, label, classId, corners }, index }) => (
        <div
          key={index}
          class="box"
          data-label={label}
          data-index={index}
          style={{
            ...placeOf(box, size),
            '--colour': corners === undefined ? colourOf(classId) : 'transparent',
          }}
        />
      ))}
      <svg viewBox={`0 0 ${size.width} ${size.height}`} preserveAspectRatio="none" aria-hidden="true">
        {shown.map(({ detection: { corners, keypoints, classId }, index }) => (
          <g key={index} style={{ stroke: colourOf(classId) }}>
            {corners && <polygon points={corners.map((point) => point.join(',')).join(' ')} />}
            {keypoints?.map(
              ([x, y, score]) => score > 0.3 && <path key={`${x} ${y}`} class="point" d={`M${x} ${y}h0`} />,
            )}
          </g>
        ))}
      </svg>
    </>
  )
}

/** The one box that a person points at, above all others. */
function Marked({ size, entry, label }: { size: Props['size']; entry: Shown; label: boolean }) {
  const { box, classId } = entry.detection
  const isHigh = box[1] / size.height < 0.06
  const isRight = box[0] / size.width > 0.7
  return (
    <div class="marked" style={{ ...placeOf(box, size), '--colour': colourOf(classId) }}>
      {label && (
        <span class={`tag${isHigh ? ' inside' : ''}${isRight ? ' end' : ''}`} style={tagColours(classId)}>
          {chipText(entry.detection)}
        </span>
      )}
    </div>
  )
}

const areaOf = ([x1, y1, x2, y2]: Shown['detection']['box']) => (x2 - x1) * (y2 - y1)
