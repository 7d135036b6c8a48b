import type { PixelBox, Size } from '../../../src/boxes/box.ts'
import { crowding, placeLabels } from '../../../src/image/draw/place.ts'
import type { Shown } from '../api.ts'

/** Pixels of text; a crowd has smaller letters, as in the drawn pictures. */
const TEXT = 13
const LEAST_TEXT = 10.5
/** Height of a label and the colour beside its text, as shares of the text. */
const LINE = 1.4
const PADDING = 0.35
const FONT = 'system-ui, sans-serif'

export interface Chip extends PixelBox {
  index: number
  classId: number
  text: string
}

export const chipText = ({ label, score }: Shown['detection']): string =>
  `${label} ${Math.round(score * 100)} %`

/** Pixels of text for so many labels. */
export const textSize = (labels: number): number => Math.max(LEAST_TEXT, TEXT / crowding(labels))

/**
 * Where labels stand on a picture that is `shown` large, placed by the code of the drawn pictures. One that would lie
 * on others is left out: pointing at its box shows it.
 *
 * @param picture pixels of the picture, of which boxes are
 */
export function chipsOf(detections: readonly Shown[], picture: Size, shown: Size): Chip[] {
  const size = textSize(detections.length)
  const height = Math.round(size * LINE)
  const [across, down] = [shown.width / picture.width, shown.height / picture.height]
  const texts = detections.map(({ detection }) => chipText(detection))
  const wishes = detections.map(({ detection: { box } }, i) => ({
    box: { x1: box[0] * across, y1: box[1] * down, x2: box[2] * across, y2: box[3] * down },
    size: {
      width: Math.min(shown.width, Math.ceil(widthOf(texts[i] ?? '', size) + 2 * PADDING * size)),
      height,
    },
  }))
  const isFree = ({ covered }: { covered: number }) => covered === 0
  return placeLabels(wishes, shown, isFree).flatMap(({ covered, ...place }, i) => {
    const entry = detections[i]
    return covered > 0 || entry === undefined
      ? []
      : [{ ...place, index: entry.index, classId: entry.detection.classId, text: texts[i] ?? '' }]
  })
}

let context: CanvasRenderingContext2D | null | undefined
/** Widths at one pixel, by text: a slider that moves asks for the same ones again. */
const widths = new Map<string, number>()

function widthOf(text: string, size: number): number {
  let width = widths.get(text)
  if (width === undefined) {
    context ??= document.createElement('canvas').getContext('2d')
    if (context !== null) {
      context.font = `100px ${FONT}`
    }
    width = (context?.measureText(text).width ?? text.length * 60) / 100
    if (widths.size > 10_000) {
      widths.clear()
    }
    widths.set(text, width)
  }
  return width * size
}
