import { useRef, useState } from 'preact/hooks'
import type { ApiError, Result, Shown } from '../api.ts'
import { Trouble } from '../trouble.tsx'
import { altTextOf } from './alt-text.ts'
import { Boxes, type LabelMode } from './boxes.tsx'
import type { Picture } from './use-pictures.ts'
import { STEP, useZoom } from './zoom.ts'

interface Props {
  picture: Picture
  result: Result | undefined
  error: ApiError | undefined
  shown: readonly Shown[]
  active: number | undefined
  labels: LabelMode
  busy: boolean
  /** Of the model, where two are compared. */
  title?: string | undefined
  onActive(index: number | undefined): void
  onPin(index: number): void
  onUnshowable(): void
  onAgain(): void
}

/** The picture with its boxes. Zooming widens the picture inside a scrolling frame, so that labels stay readable. */
export function Stage(props: Props) {
  const { picture, result, error, shown, busy, title } = props
  const frame = useRef<HTMLElement>(null)
  const zoom = useZoom(frame, picture.id)
  const [shape, setShape] = useState(1)
  const key = (event: KeyboardEvent) => {
    const factor = { '+': STEP, '=': STEP, '-': 1 / STEP }[event.key]
    if (factor !== undefined) {
      zoom.by(factor)
    } else if (event.key === '0') {
      zoom.fit()
    }
  }
  return (
    <div class="stage">
      <div class="stage-bar">
        <p class="file">
          {title && <b>{title} </b>}
          <span>{picture.name}</span>
          {result && (
            <span class="hint">
              {' '}
              {result.width} × {result.height}
            </span>
          )}
        </p>
        <ZoomButtons zoom={zoom} />
      </div>
      {error !== undefined && <Trouble error={error} onAgain={props.onAgain} />}
      {/* biome-ignore-start lint/a11y/noNoninteractiveTabindex: a region that scrolls has to take the arrow keys */}
      <section
        class="frame"
        ref={frame}
        tabIndex={0}
        aria-label={`Picture${title ? ` seen by ${title}` : ''}, scrolls when zoomed`}
        onKeyDown={key}
      >
        <div
          class={busy ? 'sheet busy' : 'sheet'}
          style={{ width: `calc(${zoom.factor} * min(100%, var(--tallest) * ${shape}))` }}
        >
          {picture.url === undefined || picture.broken ? (
            <p class="nothing">
              {picture.broken ? 'This picture cannot be shown.' : 'Fetching the picture…'}
            </p>
          ) : (
            <img
              src={picture.url}
              draggable={false}
              alt={result === undefined ? `Picture ${picture.name}` : altTextOf(shown)}
              onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) =>
                setShape(naturalWidth / Math.max(1, naturalHeight))
              }
              onError={props.onUnshowable}
            />
          )}
          {result !== undefined && (
            <Boxes
              size={result}
              shown={shown}
              active={props.active}
              labels={props.labels}
              onActive={props.onActive}
              onPin={props.onPin}
            />
          )}
        </div>
      </section>
      {/* biome-ignore-end lint/a11y/noNoninteractiveTabindex: as above */}
    </div>
  )
}

function ZoomButtons({ zoom }: { zoom: ReturnType<typeof useZoom> }) {
  const percent = Math.round(zoom.factor * 100)
  return (
    <fieldset class="zoom">
      <legend class="unseen">Zoom</legend>
      <button
        type="button"
        onClick={() => zoom.by(1 / STEP)}
        disabled={zoom.factor === 1}
        aria-label="Zoom out"
      >
        −
      </button>
      <button type="button" onClick={zoom.fit} aria-label={`${percent} %, fit the picture`}>
        {percent} %
      </button>
      <button type="button" onClick={() => zoom.by(STEP)} aria-label="Zoom in">
        +
      </button>
    </fieldset>
  )
}
