import { yoloLine } from '../datasets/yolo-text.ts'
import type { ReportWriter } from './report-writer.ts'

/** YOLO text: class, centre x, centre y, width, height as fractions of the picture, score; one file a picture. */
export function yoloWriter(): ReportWriter {
  return {
    perPicture: '.txt',
    begin: () => '',
    picture: ({ result }) =>
      (result?.detections ?? [])
        .map(({ classId, score, box }) => {
          const corner = { x: box.x1, y: box.y1, width: box.x2 - box.x1, height: box.y2 - box.y1 }
          return `${yoloLine(classId, corner, result!.image, score)}\n`
        })
        .join(''),
    end: () => '',
  }
}
