import { useEffect, useState } from 'preact/hooks'
import { colourOf } from '../colours.ts'
import type { Shot } from './jobs-api.ts'
import { shotImage } from './jobs-api.ts'

/** Small copies that were fetched, by picture and size; the oldest go first. */
const kept = new Map<string, string>()
const MOST_KEPT = 400
/** After which a tile that is still seen asks for its picture: none is fetched for what is scrolled past. */
const SETTLE_MS = 120

/** The picture of a job with its boxes; the boxes alone where the picture is not to be had any more. */
export function ShotImage({ shot, edge }: { shot: Shot; edge: number }) {
  const name = `${shot.job}/${shot.n}/${edge}`
  const [url, setUrl] = useState(kept.get(name))
  const [isGone, setGone] = useState(false)
  useEffect(() => {
    setUrl(kept.get(name))
    setGone(false)
    if (kept.has(name)) {
      return
    }
    const leaving = new AbortController()
    const timer = setTimeout(
      () =>
        shotImage(shot, edge, leaving.signal).then(
          (blob) => setUrl(keep(name, blob)),
          () => !leaving.signal.aborted && setGone(true),
        ),
      SETTLE_MS,
    )
    return () => {
      clearTimeout(timer)
      leaving.abort()
    }
  }, [name])
  const { result } = shot
  return (
    <div
      class={isGone ? 'shot gone' : 'shot'}
      style={
        result && {
          aspectRatio: `${result.width} / ${result.height}`,
          '--shape': `${result.width / result.height}`,
        }
      }
    >
      {url !== undefined && <img src={url} alt={result?.altText ?? shot.name} />}
      {result && (
        <svg viewBox={`0 0 ${result.width} ${result.height}`} preserveAspectRatio="none" aria-hidden="true">
          {result.detections.map(({ box: [x1, y1, x2, y2], classId }, i) => (
            <rect
              key={i}
              x={x1}
              y={y1}
              width={x2 - x1}
              height={y2 - y1}
              style={{ stroke: colourOf(classId) }}
            />
          ))}
        </svg>
      )}
      {isGone && <p>{result ? 'The picture is not there any more.' : 'No picture.'}</p>}
    </div>
  )
}

function keep(name: string, blob: Blob): string {
  const url = URL.createObjectURL(blob)
  kept.set(name, url)
  const [oldest] = kept
  if (kept.size > MOST_KEPT && oldest !== undefined) {
    URL.revokeObjectURL(oldest[1])
    kept.delete(oldest[0])
  }
  return url
}
