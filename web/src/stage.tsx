import { useEffect, useRef, useState } from 'preact/hooks'
import { altTextOf } from './alt-text.ts'
import type { Result, Shown } from './api.ts'
import { Boxes } from './boxes.tsx'
import type { Picture } from './use-detection.ts'

interface Props {
  picture: Picture | undefined
  result: Result | undefined
  shown: readonly Shown[]
  active: number | undefined
  busy: boolean
  onActive(index: number | undefined): void
  onUnshowable(): void
}

const STEP = 1.25
const MOST_ZOOM = 12

/** The picture with its boxes. Zooming widens the picture inside a scrolling frame, so that labels stay readable. */
export function Stage({ picture, result, shown, active, busy, onActive, onUnshowable }: Props) {
  const [zoom, setZoom] = useState(1)
  const frame = useRef<HTMLElement>(null)
  useEffect(() => setZoom(1), [picture?.blob])
  useWheelZoom(frame, setZoom)
  const redrawn = useRef<Blob>(undefined)
  const [shape, setShape] = useState(1)

  if (picture === undefined) {
    return (
      <div class="stage empty">
        <p>Drop a picture here</p>
      </div>
    )
  }
  const size = result ?? { width: 0, height: 0 }
  const change = (factor: number) => setZoom((before) => Math.min(MOST_ZOOM, Math.max(1, before * factor)))
  return (
    <div class="stage">
      <fieldset class="zoom">
        <legend class="unseen">Zoom</legend>
        <button type="button" onClick={() => change(1 / STEP)} disabled={zoom === 1} aria-label="Zoom out">
          −
        </button>
        <button type="button" onClick={() => setZoom(1)} aria-label="Fit the picture">
          {Math.round(zoom * 100)} %
        </button>
        <button type="button" onClick={() => change(STEP)} aria-label="Zoom in">
          +
        </button>
      </fieldset>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to take the arrow keys */}
      <section class="frame" ref={frame} tabIndex={0} aria-label="Picture, scrolls when zoomed">
        <div
          class={busy ? 'sheet busy' : 'sheet'}
          style={{ width: `calc(${zoom} * min(100%, var(--tallest) * ${shape}))` }}
        >
          <img
            src={picture.url}
            alt={result === undefined ? `Picture ${picture.name}` : altTextOf(shown)}
            onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) =>
              setShape(naturalWidth / Math.max(1, naturalHeight))
            }
            onError={() => {
              if (redrawn.current === picture.blob) {
                return
              }
              redrawn.current = picture.blob
              onUnshowable()
            }}
          />
          {result !== undefined && <Boxes size={size} shown={shown} active={active} onActive={onActive} />}
        </div>
      </section>
    </div>
  )
}

/** Ctrl and the wheel, which is also what pinching on a touchpad sends. Needs a listener that may prevent. */
function useWheelZoom(
  frame: { current: HTMLElement | null },
  setZoom: (change: (before: number) => number) => void,
) {
  useEffect(() => {
    const wheel = (event: WheelEvent) => {
      if (!(event.ctrlKey || event.metaKey) || !frame.current?.contains(event.target as Node)) {
        return
      }
      event.preventDefault()
      setZoom((before) => Math.min(MOST_ZOOM, Math.max(1, before * Math.exp(-event.deltaY / 300))))
    }
    document.addEventListener('wheel', wheel, { passive: false })
    return () => document.removeEventListener('wheel', wheel)
  }, [frame, setZoom])
}
