import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Detection } from '../boxes/detection.ts'
import type { Dataset } from '../datasets/dataset.ts'
import { parseVoc } from '../datasets/voc-xml.ts'
import { parseYoloLine } from '../datasets/yolo-text.ts'
import type { DetectResult, ModelInfo } from '../detector/types.ts'
import { BoxletError } from '../errors.ts'
import { matchResults } from '../evaluate/match-results.ts'
import { parseCocoResults } from '../evaluate/predictions.ts'
import { COCO_80 } from '../model/labels/label-sets.ts'
import { altText } from './alt-text.ts'
import { type Format, reportWriter } from './report.ts'
import type { Outcome } from './report-writer.ts'
import { encodeRle } from './rle.ts'

const detection = (label: string, classId: number, x1 = 1, size = 10): Detection => ({
  label,
  classId,
  score: 0.5,
  box: { x1, y1: 2, x2: x1 + size, y2: 2 + size },
})
const timings = { decode: 1, prepare: 1, run: 1, boxes: 1, total: 4 }
const result = (detections: Detection[]): DetectResult => ({
  image: { width: 100, height: 50 },
  detections,
  timings,
})
const model = {
  name: 'm',
  family: 'yolov8',
  sha256: 'aa',
  licence: null,
  contract: { labels: ['cat'] },
} as unknown as ModelInfo
const failed: Outcome = {
  source: 'b.png',
  error: new BoxletError('IMAGE_EMPTY', 'Expected bytes but received none.'),
}

const write = (format: Format, outcomes: Outcome[], info = model): string => {
  const writer = reportWriter(format)
  return writer.begin(info) + outcomes.map((outcome) => writer.picture(outcome)).join('') + writer.end()
}
const found: Outcome = { source: 'a.jpg', result: result([detection('cat', 0)]) }

describe('json', () => {
  it('is one document with pictures that were read and pictures that were not', () => {
    expect(JSON.parse(write('json', [found, failed]))).toEqual({
      model: { name: 'm', family: 'yolov8', sha256: 'aa', licence: null },
      images: [
        {
          source: 'a.jpg',
          width: 100,
          height: 50,
          detections: [{ label: 'cat', classId: 0, score: 0.5, box: [1, 2, 11, 12] }],
          timings,
        },
        { source: 'b.png', error: { code: 'IMAGE_EMPTY', message: 'Expected bytes but received none.' } },
      ],
    })
    expect(JSON.parse(write('json', []))).toMatchObject({ images: [] })
  })
  it('is one document a line for ndjson', () => {
    const lines = write('ndjson', [found, failed])
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.map(({ model: name, source }) => [name, source])).toEqual([
      ['m', 'a.jpg'],
      ['m', 'b.png'],
    ])
  })
})

describe('csv', () => {
  it('has a row a detection, quotes what needs it and disarms formulas', () => {
    const text = write('csv', [{ source: '=cmd,"x".jpg', result: result([detection('cat', 0)]) }, failed])
    expect(text.split('\r\n')).toEqual([
      'source,width,height,label,class_id,score,x1,y1,x2,y2,error',
      '"\'=cmd,""x"".jpg",100,50,cat,0,0.5,1,2,11,12,',
      'b.png,,,,,,,,,,IMAGE_EMPTY',
      '',
    ])
  })
})

describe('coco', () => {
  it('uses the ids of COCO for a model with its labels, and the number that a file name is', () => {
    const info = { ...model, contract: { labels: [...COCO_80] } } as unknown as ModelInfo
    const outcome: Outcome = { source: 'val/000000000139.jpg', result: result([detection('toothbrush', 79)]) }
    expect(JSON.parse(write('coco', [outcome], info))).toEqual([
      { image_id: 139, category_id: 90, bbox: [1, 2, 10, 10], score: 0.5 },
    ])
  })
  it('uses the class ids of any other model', () => {
    expect(JSON.parse(write('coco', [found]))).toMatchObject([{ image_id: 'a', category_id: 0 }])
    expect(JSON.parse(write('coco', []))).toEqual([])
  })
})

describe('one file a picture', () => {
  it('writes YOLO lines as fractions of the picture', () => {
    expect(write('yolo', [found])).toBe('0 0.06 0.14 0.1 0.2 0.5\n')
  })
  it('writes VOC boxes as edges in whole pixels, with names made safe', () => {
    const xml = write('voc', [{ source: 'dir/a&b.jpg', result: result([detection('<cat>', 0)]) }])
    expect(xml).toContain('<filename>a&amp;b.jpg</filename>')
    expect(xml).toContain('<name>&lt;cat&gt;</name>')
    expect(xml).toMatch(/<xmin>1<\/xmin>\s*<ymin>2<\/ymin>\s*<xmax>11<\/xmax>\s*<ymax>12<\/ymax>/)
  })
})

describe('what Boxlet writes', () => {
  const size = { width: 640, height: 427 }
  const pixel = (most: number) => fc.integer({ min: 0, max: most - 1 })
  /** Whole pixels inside the picture, an area in any case. */
  const boxes = fc
    .tuple(pixel(size.width), pixel(size.height), pixel(size.width), pixel(size.height))
    .map(([x, y, x2, y2]) => ({
      x1: Math.min(x, x2),
      y1: Math.min(y, y2),
      x2: Math.max(x, x2) + 1,
      y2: Math.max(y, y2) + 1,
    }))
  const outcome = (box: Detection['box']): Outcome => ({
    source: 'a.jpg',
    result: { image: size, detections: [{ label: 'cup & <saucer>', classId: 3, score: 0.25, box }], timings },
  })

  it('as VOC, Boxlet reads back to the pixel', () => {
    fc.assert(
      fc.property(boxes, ({ x1, y1, x2, y2 }) => {
        const { objects } = parseVoc(write('voc', [outcome({ x1, y1, x2, y2 })]))
        expect(objects).toMatchObject([{ name: 'cup & <saucer>', xmin: x1, ymin: y1, xmax: x2, ymax: y2 }])
      }),
    )
  })

  it('as YOLO, Boxlet reads back to a thousandth of a pixel, score and all', () => {
    fc.assert(
      fc.property(boxes, ({ x1, y1, x2, y2 }) => {
        const object = parseYoloLine(write('yolo', [outcome({ x1, y1, x2, y2 })]), size, undefined)!
        expect([object.classId, object.score]).toEqual([3, 0.25])
        const { x, y, width, height } = object.box
        const off = [x - x1, y - y1, x + width - x2, y + height - y2].map(Math.abs)
        expect(Math.max(...off)).toBeLessThan(1e-3)
      }),
    )
  })

  it('as COCO, Boxlet reads back by the name of the picture and the labels of the model', () => {
    const rows = parseCocoResults(JSON.parse(write('coco', [found])), 'results.json')
    const dataset: Dataset = {
      name: 'set',
      format: 'coco',
      categories: [
        { id: 1, name: 'dog' },
        { id: 7, name: 'cat' },
      ],
      images: [{ id: 12, fileName: 'deep/a.jpg', path: '', width: 100, height: 50 }],
      annotations: [],
      problems: [],
      notes: [],
    }
    expect(matchResults(rows, dataset, ['cat'])).toEqual([
      { imageId: 12, categoryId: 7, box: { x: 1, y: 2, width: 10, height: 10 }, score: 0.5 },
    ])
    expect(() => matchResults(rows, dataset)).toThrow(
      expect.objectContaining({ code: 'DATASET_INVALID', hint: expect.stringContaining('--labels') }),
    )
  })
})

describe('table', () => {
  it('keeps escape sequences of file names away from the terminal', () => {
    expect(write('table', [{ source: 'a\u001b[2J.jpg', result: result([]) }])).toContain('a\\u001b[2J.jpg')
  })
})

describe('altText', () => {
  it.each([
    [[], 'A picture in which nothing was recognised.'],
    [
      [detection('person', 0), detection('person', 0), detection('bus', 5, 1, 40)],
      'A picture of a bus and two people.',
    ],
    [[detection('apple', 47)], 'A picture of an apple.'],
    [[detection('umbrella', 25)], 'A picture of an umbrella.'],
    [[detection('uniform', 0)], 'A picture of a uniform.'],
    [
      [detection('wine glass', 40), detection('wine glass', 40), detection('wine glass', 40)],
      'A picture of three wine glasses.',
    ],
    [[detection('scissors', 76)], 'A picture of a pair of scissors.'],
    [[detection('tv', 62), detection('tv', 62)], 'A picture of two TVs.'],
    [[detection('RBC', 1)], 'A picture of an RBC.'],
    [Array.from({ length: 14 }, () => detection('sheep', 18)), 'A picture of 14 sheep.'],
  ])('says %#: %s', (detections, sentence) => {
    expect(altText(detections as Detection[])).toBe(sentence)
  })
  it('sums up what is beyond a few kinds', () => {
    const many = ['cat', 'dog', 'cow', 'bird', 'horse', 'bear', 'zebra'].map((label, id) =>
      detection(label, id, 1, 20 - id),
    )
    expect(altText(many)).toBe('A picture of a cat, a dog, a cow, a bird, a horse and two other objects.')
  })
})

describe('encodeRle', () => {
  it('gives the string of pycocotools', () => {
    // pycocotools.mask.encode of a 4 × 6 picture with rows 1–2, columns 2–4 set.
    const mask = { left: 2, top: 1, width: 3, height: 2, data: new Uint8Array(6).fill(1) }
    expect(encodeRle(mask, { width: 6, height: 4 })).toEqual({ size: [4, 6], counts: '9220003' })
  })
})

describe('reports of several pictures', () => {
  it('keep pictures of one name in different folders apart in COCO results', () => {
    const sources = ['a/x.jpg', 'b/x.jpg', 'b/7.jpg']
    const writer = reportWriter('coco', sources)
    const outcomes = sources.map((source) => ({ source, result: result([detection('cat', 0)]) }))
    const text = writer.begin(model) + outcomes.map((each) => writer.picture(each)).join('') + writer.end()
    expect(JSON.parse(text).map((row: { image_id: unknown }) => row.image_id)).toEqual(['a/x', 'b/x', 7])
  })
  it.each(['json', 'coco'] as const)('end each picture with its line in %s', (format) => {
    const writer = reportWriter(format)
    expect(writer.begin(model) + writer.picture(found)).toMatch(/\n$/)
    expect(writer.picture(found)).toMatch(/\n$/)
  })
  it('tell the work on each in the table, without the wait for others', () => {
    const waited = { source: 'a.jpg', result: { ...result([]), timings: { ...timings, total: 5000 } } }
    expect(write('table', [waited])).toContain('  4 ms')
  })
  it('name standard input as it is in CSV, and keep formulas from spreadsheets', () => {
    const from = (source: string) => write('csv', [{ ...found, source }]).split('\r\n')[1]
    expect(from('-')).toMatch(/^-,/)
    expect(from('-1+2')).toMatch(/^'-1\+2,/)
  })
})
