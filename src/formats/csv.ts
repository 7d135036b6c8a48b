import { round } from './native.ts'
import type { ReportWriter } from './report-writer.ts'

const COLUMNS = [
  'source',
  'width',
  'height',
  'label',
  'class_id',
  'score',
  'x1',
  'y1',
  'x2',
  'y2',
  'error',
] as const

/** RFC 4180: one row a detection, one row with `error` for a picture that failed, none for an empty picture. */
export function csvWriter(): ReportWriter {
  return {
    begin: () => `${COLUMNS.join(',')}\r\n`,
    picture: ({ source, result, error }) => {
      if (error !== undefined) {
        return row([source, '', '', '', '', '', '', '', '', '', error.code])
      }
      const { width, height } = result.image
      return result.detections
        .map(({ label, classId, score, box }) =>
          row([
            source,
            width,
            height,
            label,
            classId,
            round(score, 6),
            round(box.x1, 2),
            round(box.y1, 2),
            round(box.x2, 2),
            round(box.y2, 2),
            '',
          ]),
        )
        .join('')
    },
    end: () => '',
  }
}

const row = (cells: (string | number)[]): string => `${cells.map(cell).join(',')}\r\n`

/** Text that a spreadsheet would take for a formula is kept as text by a leading apostrophe; a lone dash is none. */
function cell(value: string | number): string {
  if (typeof value === 'number') {
    return String(value)
  }
  const safe = value !== '-' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
