import { XMLBuilder } from 'fast-xml-parser'
import type { CornerBox } from './dataset.ts'
import { decimal } from './yolo-text.ts'

/** One picture as Pascal VOC describes it. */
export interface VocPicture {
  fileName: string
  width: number
  height: number
  /** Of the picture in the tree; left out where there is no tree. */
  folder?: string
  objects: VocEntry[]
}

export interface VocEntry {
  name: string
  /** Pixels of the picture. */
  box: CornerBox
  pose?: string
  truncated?: boolean
  difficult?: boolean
  /** Score of a detection, 0–1. */
  confidence?: number
}

const builder = new XMLBuilder({ format: true, indentBy: '\t', suppressEmptyNode: false })

/**
 * The XML of one picture. `xmin … xmax` are the edges of the box in pixels, counted from 0, as labelling tools write
 * them and as Boxlet reads them; VOC's own devkit counts from 1.
 */
export function vocXml({ fileName, width, height, folder, objects }: VocPicture): string {
  return builder.build({
    annotation: {
      folder: folder === undefined ? undefined : plain(folder),
      filename: plain(fileName),
      size: { width, height, depth: 3 },
      segmented: 0,
      object: objects.map(({ name, box, pose, truncated, difficult, confidence }) => ({
        name: plain(name),
        pose: plain(pose ?? 'Unspecified'),
        truncated: truncated === true ? 1 : 0,
        difficult: difficult === true ? 1 : 0,
        confidence: confidence === undefined ? undefined : decimal(confidence, 6),
        bndbox: {
          xmin: decimal(box.x, 3),
          ymin: decimal(box.y, 3),
          xmax: decimal(box.x + box.width, 3),
          ymax: decimal(box.y + box.height, 3),
        },
      })),
    },
  })
}

/** Control characters are not allowed in XML 1.0 at all. */
const plain = (text: string): string => text.replace(/\p{Cc}/gu, ' ')
