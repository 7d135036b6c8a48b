import { altText } from '../../../src/formats/alt-text.ts'
import type { Shown } from '../api.ts'

/** The sentence of the service, composed here of the boxes that are shown: filtering asks nobody again. */
export const altTextOf = (shown: readonly Shown[]): string =>
  altText(
    shown.map(
      ({
        detection: {
          label,
          classId,
          score,
          box: [x1, y1, x2, y2],
        },
      }) => ({
        label,
        classId,
        score,
        box: { x1, y1, x2, y2 },
      }),
    ),
  )
