import { useEffect, useRef } from 'preact/hooks'
import { colourOf } from '../colours.ts'

interface Props {
  mask: { size: [number, number]; counts: string }
  classId: number
}

/** Drawn at a reduced size: a mask is a hint of colour, and a canvas of a whole photo costs 50 MB each. */
const LONGEST_EDGE = 800

export function Mask({ mask, classId }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [height, width] = mask.size
  const scale = Math.min(1, LONGEST_EDGE / Math.max(width, height))
  useEffect(() => {
    const context = canvas.current?.getContext('2d')
    if (context == null) {
      return
    }
    context.clearRect(0, 0, context.canvas.width, context.canvas.height)
    context.fillStyle = colourOf(classId)
    for (const [start, length] of filledRuns(mask.counts)) {
      paint(context, start, length, height, scale)
    }
  }, [mask, classId])
  return (
    <canvas ref={canvas} class="mask" width={Math.ceil(width * scale)} height={Math.ceil(height * scale)} />
  )
}

/** A run goes down one column and may go on in the next ones. */
function paint(
  context: CanvasRenderingContext2D,
  start: number,
  length: number,
  height: number,
  scale: number,
): void {
  let at = start
  const end = start + length
  while (at < end) {
    const column = Math.floor(at / height)
    const stop = Math.min(end, (column + 1) * height)
    // Whole pixels: parts of pixels would show as stripes.
    const top = Math.floor((at % height) * scale)
    const bottom = Math.ceil(((at % height) + stop - at) * scale)
    context.fillRect(Math.floor(column * scale), top, 1, bottom - top)
    at = stop
  }
}

/** Start and length of the runs of ones in COCO's compressed form: 6 bits a letter, each count relative to the one before last. */
function* filledRuns(text: string): Generator<[number, number]> {
  const counts: number[] = []
  let position = 0
  for (let at = 0; at < text.length; ) {
    let value = 0
    let shift = 0
    let more = true
    while (more && at < text.length) {
      const letter = text.charCodeAt(at++) - 48
      value |= (letter & 31) << shift
      more = (letter & 32) !== 0
      shift += 5
      if (!more && (letter & 16) !== 0) {
        value |= -1 << shift
      }
    }
    if (counts.length > 2) {
      value += counts[counts.length - 2] as number
    }
    if (counts.length % 2 === 1) {
      yield [position, value]
    }
    counts.push(value)
    position += value
  }
}
