import { cocoWriter } from './coco-results.ts'
import { csvWriter } from './csv.ts'
import { jsonWriter, ndjsonWriter } from './json.ts'
import type { ReportWriter } from './report-writer.ts'
import { tableWriter } from './table.ts'
import { vocWriter } from './voc-annotation.ts'
import { yoloWriter } from './yolo-labels.ts'

export const FORMATS = ['table', 'json', 'ndjson', 'csv', 'coco', 'yolo', 'voc'] as const
export type Format = (typeof FORMATS)[number]

const WRITERS: Record<Format, (sources: readonly string[]) => ReportWriter> = {
  table: tableWriter,
  json: jsonWriter,
  ndjson: ndjsonWriter,
  csv: csvWriter,
  coco: cocoWriter,
  yolo: yoloWriter,
  voc: vocWriter,
}

/** @param sources names of the pictures to come, where they are known: ids that are cut from them stay distinct */
export const reportWriter = (format: Format, sources: readonly string[] = []): ReportWriter =>
  WRITERS[format](sources)
