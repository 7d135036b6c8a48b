import { cocoWriter } from './coco-results.ts'
import { csvWriter } from './csv.ts'
import { jsonWriter, ndjsonWriter } from './json.ts'
import type { ReportWriter } from './report-writer.ts'
import { tableWriter } from './table.ts'
import { vocWriter } from './voc-annotation.ts'
import { yoloWriter } from './yolo-labels.ts'

export const FORMATS = ['table', 'json', 'ndjson', 'csv', 'coco', 'yolo', 'voc'] as const
export type Format = (typeof FORMATS)[number]

const WRITERS: Record<Format, () => ReportWriter> = {
  table: tableWriter,
  json: jsonWriter,
  ndjson: ndjsonWriter,
  csv: csvWriter,
  coco: cocoWriter,
  yolo: yoloWriter,
  voc: vocWriter,
}

export const reportWriter = (format: Format): ReportWriter => WRITERS[format]()
