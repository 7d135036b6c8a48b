import { oneLine } from '../system/printable.ts'
import { counted, percent } from '../system/words.ts'
import type { ReportWriter } from './report-writer.ts'

/** For people: a line a picture and a line a detection. Failures go to the messages, not to the results. */
export function tableWriter(): ReportWriter {
  return {
    begin: () => '',
    picture: ({ source, result, altText }) => {
      if (result === undefined) {
        return ''
      }
      const { image, detections, timings } = result
      // Without the wait for the pictures before it.
      const { decode, prepare, run, boxes } = timings
      const count = counted(detections.length, 'object')
      const head = `${oneLine(source)}  ${image.width} × ${image.height}  ${count}  ${Math.round(decode + prepare + run + boxes)} ms`
      const width = Math.max(0, ...detections.map(({ label }) => oneLine(label).length))
      const rows = detections.map(({ label, score, box }) => {
        const corners = [box.x1, box.y1, box.x2, box.y2].map((edge) => edge.toFixed(1).padStart(8)).join('')
        return `  ${oneLine(label).padEnd(width)}  ${percent(score).padStart(5)} %${corners}`
      })
      return `${[head, ...(altText === undefined ? [] : [`  ${altText}`]), ...rows].join('\n')}\n`
    },
    end: () => '',
  }
}
