import { basename } from 'node:path'
import type { ReportWriter } from './report-writer.ts'

/** Pascal VOC XML, one file a picture: whole pixels from 1, as VOC counts; the score in `confidence`. */
export function vocWriter(): ReportWriter {
  return {
    perPicture: '.xml',
    begin: () => '',
    picture: ({ source, result }) => {
      if (result === undefined) {
        return ''
      }
      const { width, height } = result.image
      const objects = result.detections.map(({ label, score, box }) =>
        [
          '  <object>',
          `    <name>${xmlText(label)}</name>`,
          `    <confidence>${score.toFixed(6)}</confidence>`,
          '    <bndbox>',
          `      <xmin>${pixel(box.x1, width)}</xmin>`,
          `      <ymin>${pixel(box.y1, height)}</ymin>`,
          `      <xmax>${Math.max(pixel(box.x1, width), Math.min(Math.round(box.x2), width))}</xmax>`,
          `      <ymax>${Math.max(pixel(box.y1, height), Math.min(Math.round(box.y2), height))}</ymax>`,
          '    </bndbox>',
          '  </object>',
        ].join('\n'),
      )
      return [
        '<annotation>',
        `  <filename>${xmlText(basename(source))}</filename>`,
        `  <size><width>${width}</width><height>${height}</height><depth>3</depth></size>`,
        ...objects,
        '</annotation>',
        '',
      ].join('\n')
    },
    end: () => '',
  }
}

const pixel = (edge: number, size: number): number => Math.min(Math.max(Math.round(edge) + 1, 1), size)

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}
const xmlText = (text: string): string =>
  // Control characters are not allowed in XML 1.0 at all.
  text.replace(/\p{Cc}/gu, ' ').replace(/[&<>"']/g, (character) => ENTITIES[character]!)
