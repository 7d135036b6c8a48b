import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { BoxletError } from '../errors.ts'
import { readCocoResults } from '../evaluate/predictions.ts'
import { readCoco } from './coco.ts'
import { boxProblem } from './problem.ts'
import { readVoc } from './voc.ts'
import { parseVoc } from './voc-xml.ts'
import { readYolo } from './yolo.ts'

/** Damaged files give a data set, problems, or one BoxletError: never another error, and never a bad box. */

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxlet-fuzz-'))
  for (const part of ['JPEGImages', 'Annotations', 'images', 'labels']) {
    await mkdir(join(folder, part))
  }
  const picture = join(folder, 'JPEGImages', 'a.jpg')
  await sharp({ create: { width: 40, height: 30, channels: 3, background: '#888' } })
    .jpeg()
    .toFile(picture)
  await copyFile(picture, join(folder, 'images', 'a.jpg'))
  await writeFile(join(folder, 'data.yaml'), 'names: [cup, spoon]\nval: images\n')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const COCO = JSON.stringify(
  {
    images: [{ id: 1, file_name: 'images/a.jpg', width: 40, height: 30 }],
    annotations: [
      {
        id: 1,
        image_id: 1,
        category_id: 1,
        bbox: [1, 2, 10.5, 12],
        area: 126,
        iscrowd: 0,
        segmentation: [[1, 2, 3, 4, 5, 6]],
      },
      {
        id: 2,
        image_id: 1,
        category_id: 1,
        bbox: [5, 5, 8, 8],
        area: 64,
        iscrowd: 1,
        segmentation: { counts: [3, 4], size: [30, 40] },
      },
    ],
    categories: [{ id: 1, name: 'cup', supercategory: 'kitchen' }],
  },
  null,
  1,
)
const VOC = `<?xml version="1.0"?><!-- made --><annotation><filename>a.jpg</filename><size><width>40</width><height>30</height></size>
<object><name>cup &amp; more</name><difficult>0</difficult><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>11</xmax><ymax>14</ymax></bndbox></object>
<object><name><![CDATA[spoon]]></name><bndbox><xmin>5</xmin><ymin>5</ymin><xmax>13</xmax><ymax>13</ymax></bndbox></object></annotation>`
const YOLO = '0 0.5 0.5 0.25 0.5\n1 0.1 0.1 0.4 0.1 0.4 0.4\n'
const YAML = 'path: .\nnames: {0: cup, 1: spoon}\nval: images\n'
const RESULTS = '[{"image_id":1,"category_id":1,"bbox":[1,2,3,4],"score":0.5}]'

/** Cuts, flips, repeats and inserts what parsers trip over. */
const damage = (text: string) =>
  fc
    .array(
      fc.record({
        at: fc.integer({ min: 0, max: text.length }),
        remove: fc.integer({ min: 0, max: 30 }),
        insert: fc.oneof(
          fc.constantFrom(
            '',
            '-1',
            '1e999',
            'NaN',
            'null',
            '[[[[',
            '{"',
            '<',
            '</',
            '&x;',
            '\u0000',
            '"__proto__":',
            '\uFEFF',
            '*a',
            '!!js/function x',
          ),
          fc.string({ maxLength: 6 }),
        ),
      }),
      { minLength: 1, maxLength: 4 },
    )
    .map((edits) =>
      edits.reduce((now, { at, remove, insert }) => now.slice(0, at) + insert + now.slice(at + remove), text),
    )

async function survives(read: () => Promise<unknown>): Promise<void> {
  try {
    const set = await read()
    const { annotations = [], images = [] } = (set ?? {}) as {
      annotations?: { imageId: number; box: { x: number; y: number; width: number; height: number } }[]
      images?: { id: number; width: number; height: number }[]
    }
    for (const { imageId, box } of annotations) {
      const image = images.find(({ id }) => id === imageId)
      if (image === undefined || boxProblem(box, image) !== undefined) {
        throw new Error('a bad box came through')
      }
    }
  } catch (error) {
    if (!(error instanceof BoxletError)) {
      throw error
    }
  }
}

const RUNS = { numRuns: 400 }

describe('damaged annotation files', () => {
  it('COCO', async () => {
    const path = join(folder, 'instances.json')
    const property = fc.asyncProperty(damage(COCO), async (text) => {
      await writeFile(path, text)
      await survives(() => readCoco(path))
    })
    await fc.assert(property, RUNS)
  })

  it('COCO results', async () => {
    const path = join(folder, 'results.json')
    const property = fc.asyncProperty(damage(RESULTS), async (text) => {
      await writeFile(path, text)
      await survives(() => readCocoResults(path))
    })
    await fc.assert(property, RUNS)
  })

  it('VOC', async () => {
    const path = join(folder, 'Annotations', 'a.xml')
    const property = fc.asyncProperty(damage(VOC), async (text) => {
      await writeFile(path, text)
      await survives(() => readVoc(folder, { split: 'all' }))
    })
    await fc.assert(property, RUNS)
  })

  it('YOLO labels', async () => {
    const path = join(folder, 'labels', 'a.txt')
    const property = fc.asyncProperty(damage(YOLO), async (text) => {
      await writeFile(path, text)
      await survives(() => readYolo(join(folder, 'data.yaml')))
    })
    await fc.assert(property, RUNS)
  })

  it('data.yaml', async () => {
    const path = join(folder, 'fuzzed.yaml')
    const property = fc.asyncProperty(damage(YAML), async (text) => {
      await writeFile(path, text)
      await survives(() => readYolo(path))
    })
    await fc.assert(property, RUNS)
  })

  it('a hundred thousand open elements or brackets do not end the process', async () => {
    await writeFile(join(folder, 'instances.json'), '['.repeat(100_000))
    await survives(() => readCoco(join(folder, 'instances.json')))
    await survives(async () => {
      try {
        parseVoc(`<annotation>${'<a>'.repeat(100_000)}`)
      } catch (error) {
        throw new BoxletError('DATASET_INVALID', (error as Error).message)
      }
    })
  })
})
