import { round } from './native.ts'
import type { ReportWriter } from './report-writer.ts'

/** YOLO text: class, centre x, centre y, width, height as fractions of the picture, score; one file a picture. */
export function yoloWriter(): ReportWriter {
  return {
    perPicture: '.txt',
    begin: () => '',
    picture: ({ result }) => {
      if (result === undefined) {
        return ''
      }
      const { width, height } = result.image
      return result.detections
        .map(({ classId, score, box }) =>
          [
            classId,
            round((box.x1 + box.x2) / 2 / width, 6),
            round((box.y1 + box.y2) / 2 / height, 6),
            round((box.x2 - box.x1) / width, 6),
            round((box.y2 - box.y1) / height, 6),
            round(score, 6),
          ].join(' '),
        )
        .map((line) => `${line}\n`)
        .join('')
    },
    end: () => '',
  }
}
