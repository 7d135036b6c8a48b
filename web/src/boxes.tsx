import type { Shown } from './api.ts'
import { colourOf, textOn } from './colours.ts'
import { Mask } from './mask.tsx'

interface Props {
  size: { width: number; height: number }
  shown: readonly Shown[]
  active: number | undefined
  onActive(index: number | undefined): void
}

const percent = (part: number, whole: number) => `${(part / whole) * 100}%`

/** Boxes in shares of the picture, so that they follow any zoom. The list beside the picture is what is read aloud. */
export function Boxes({ size: { width, height }, shown, active, onActive }: Props) {
  return (
    <div class="boxes" aria-hidden="true">
      {shown.map(
        ({ detection, index }) =>
          detection.mask && <Mask key={`mask${index}`} mask={detection.mask} classId={detection.classId} />,
      )}
      {/* Small boxes lie over large ones, so that each can be pointed at. */}
      {[...shown]
        .sort((a, b) => areaOf(b.detection.box) - areaOf(a.detection.box))
        .map(({ detection: { box, label, score, classId, corners }, index }) => (
          <div
            key={index}
            class={index === active ? 'box active' : 'box'}
            data-label={label}
            onPointerEnter={() => onActive(index)}
            onPointerLeave={() => onActive(undefined)}
            style={{
              left: percent(box[0], width),
              top: percent(box[1], height),
              width: percent(box[2] - box[0], width),
              height: percent(box[3] - box[1], height),
              '--colour': corners === undefined ? colourOf(classId) : 'transparent',
            }}
          >
            <span
              class={tagClass(box, width, height)}
              style={{ background: colourOf(classId), color: textOn(classId) }}
            >
              {label} {Math.round(score * 100)} %
            </span>
          </div>
        ))}
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
        {shown.map(({ detection: { corners, keypoints, classId }, index }) => (
          <g key={index} style={{ stroke: colourOf(classId) }}>
            {corners && <polygon points={corners.map((point) => point.join(',')).join(' ')} />}
            {keypoints?.map(
              ([x, y, score]) => score > 0.3 && <path key={`${x} ${y}`} class="point" d={`M${x} ${y}h0`} />,
            )}
          </g>
        ))}
      </svg>
    </div>
  )
}

/** A label at the upper edge goes into its box, one at the right edge grows to the left. */
const tagClass = (box: readonly number[], width: number, height: number) =>
  `tag${(box[1] ?? 0) / height < 0.06 ? ' inside' : ''}${(box[0] ?? 0) / width > 0.75 ? ' end' : ''}`

const areaOf = ([x1, y1, x2, y2]: readonly [number, number, number, number]) => (x2 - x1) * (y2 - y1)
