import { basename } from 'node:path'
import { vocXml } from '../datasets/voc-text.ts'
import type { ReportWriter } from './report-writer.ts'

/** Pascal VOC XML, one file a picture: edges in whole pixels from 0, as Boxlet reads them; the score in `confidence`. */
export function vocWriter(): ReportWriter {
  return {
    perPicture: '.xml',
    begin: () => '',
    picture: ({ source, result }) => {
      if (result === undefined) {
        return ''
      }
      const { width, height } = result.image
      const objects = result.detections.map(({ label, score, box }) => {
        const [x, right] = wholePixels(box.x1, box.x2, width)
        const [y, bottom] = wholePixels(box.y1, box.y2, height)
        return { name: label, confidence: score, box: { x, y, width: right - x, height: bottom - y } }
      })
      return vocXml({ fileName: basename(source), width, height, objects })
    },
    end: () => '',
  }
}

/** Both edges inside the picture and at least a pixel apart: a box without an area is refused by readers. */
function wholePixels(from: number, to: number, size: number): [number, number] {
  const first = Math.min(Math.max(Math.round(from), 0), size - 1)
  return [first, Math.min(Math.max(Math.round(to), first + 1), size)]
}
