import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { corpusPath, hasCorpus } from '../../test/support/corpus.ts'
import { BoxletError } from '../errors.ts'
import { readCoco } from './coco.ts'
import { openDataset } from './open.ts'
import { polygonArea } from './outline.ts'
import { readVoc } from './voc.ts'
import { readYolo } from './yolo.ts'
import { labelPath } from './yolo-files.ts'

let folder: string
let picture: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxlet-datasets-'))
  picture = join(folder, 'grey.jpg')
  await sharp({ create: { width: 200, height: 100, channels: 3, background: '#888' } })
    .jpeg()
    .toFile(picture)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const place = async (...parts: string[]): Promise<string> => {
  const path = join(folder, ...parts)
  await mkdir(join(path, '..'), { recursive: true })
  return path
}

const summary = (problems: { kind: string; line?: number }[]) =>
  problems.map(({ kind, line }) => [kind, line])

describe('COCO reader', () => {
  const write = async (name: string, annotations: unknown[], extra: object = {}) => {
    const path = await place(name, 'instances.json')
    const images = [
      { id: 9, file_name: 'b.jpg', width: 200, height: 100, license: 3 },
      { id: 4, file_name: 'a.jpg', width: 200, height: 100 },
    ]
    const categories = [
      { id: 90, name: 'toothbrush' },
      { id: 1, name: 'person', supercategory: 'living' },
    ]
    await writeFile(path, JSON.stringify({ images, annotations, categories, ...extra }, null, 1))
    return path
  }

  it('keeps crowd, area, segmentation and unknown fields, and orders pictures and classes by id', async () => {
    const segmentation = { counts: 'abc', size: [100, 200] }
    const entry = { id: 7, image_id: 4, category_id: 90, bbox: [1.5, 2, 3, 4], area: 5, iscrowd: 1 }
    const set = await readCoco(await write('keep', [{ ...entry, segmentation, colour: 'red' }]))
    expect(set.images.map((image) => image.id)).toEqual([4, 9])
    expect(set.images[1]!.extra).toEqual({ license: 3 })
    expect(set.categories.map((category) => category.name)).toEqual(['person', 'toothbrush'])
    expect(set.annotations).toEqual([
      {
        id: 7,
        imageId: 4,
        categoryId: 90,
        box: { x: 1.5, y: 2, width: 3, height: 4 },
        area: 5,
        crowd: true,
        difficult: false,
        segmentation,
        extra: { colour: 'red' },
      },
    ])
  })

  it('lists bad annotations with their lines and leaves them out', async () => {
    const path = await write('bad', [
      { id: 1, image_id: 4, category_id: 1, bbox: [0, 0, 10, 10] },
      { id: 2, image_id: 4, category_id: 1, bbox: [195, 0, 10, 10] },
      { id: 3, image_id: 4, category_id: 1, bbox: [5, 5, 0, 10] },
      { id: 4, image_id: 4, category_id: 2, bbox: [5, 5, 5, 5] },
      { id: 5, image_id: 8, category_id: 1, bbox: [5, 5, 5, 5] },
      { id: 6, image_id: 4, category_id: 1, bbox: [5, 5, null, 5] },
      'nonsense',
    ])
    const set = await readCoco(path)
    expect(set.annotations.map((annotation) => annotation.id)).toEqual([1])
    expect(summary(set.problems)).toEqual([
      ['box-outside', 29],
      ['box-empty', 40],
      ['class-unknown', 51],
      ['picture-unlisted', 62],
      ['annotation-invalid', 73],
      ['annotation-invalid', undefined],
    ])
  })

  it('stops at the first bad annotation when asked', async () => {
    const path = await write('fatal', [{ id: 1, image_id: 4, category_id: 1, bbox: [5, 5, 0, 10] }])
    await expect(readCoco(path, { problems: 'fatal' })).rejects.toThrow(/box with an area/)
  })

  it('keeps boxes that reach outside when asked', async () => {
    const path = await write('keeps', [{ id: 1, image_id: 4, category_id: 1, bbox: [195, 0, 10, 10] }])
    const set = await readCoco(path, { problems: 'keep' })
    expect(set.annotations).toHaveLength(1)
    expect(set.problems).toHaveLength(1)
  })

  it('refuses picture names that leave the image folder', async () => {
    const images = [{ id: 4, file_name: '../../etc/passwd', width: 9, height: 9 }]
    const set = await readCoco(await write('escape', [], { images }))
    expect(set.images).toEqual([])
    expect(set.problems[0]!.kind).toBe('annotation-invalid')
  })

  it.each(['', '[', '[]', '{}', '{"images": 1, "categories": []}', 'null', '\u0000'])(
    'refuses %j with one clear line',
    async (text) => {
      const path = await place('refuse', 'file.json')
      await writeFile(path, text)
      const error = await readCoco(path).catch((caught: unknown) => caught)
      expect(error).toBeInstanceOf(BoxletError)
      expect((error as BoxletError).code).toBe('DATASET_INVALID')
      expect((error as BoxletError).message).not.toContain('\n')
    },
  )

  it.skipIf(!hasCorpus)('reads the COCO pictures of the corpus without a problem', async () => {
    const set = await openDataset(corpusPath('coco'))
    expect([set.images.length, set.annotations.length, set.problems]).toEqual([95, 859, []])
    expect(set.annotations.filter((annotation) => annotation.crowd)).toHaveLength(9)
    expect(set.annotations.every((annotation) => annotation.segmentation !== undefined)).toBe(true)
    expect(set.images[0]!.path).toBe(corpusPath('coco/images/000000005001.jpg'))
  })
})

describe('VOC reader', () => {
  const object = (name: string, box: number[], extra = '') =>
    `<object>\n<name>${name}</name>${extra}<bndbox><xmin>${box[0]}</xmin><ymin>${box[1]}</ymin><xmax>${box[2]}</xmax><ymax>${box[3]}</ymax></bndbox>\n</object>\n`
  const write = async (set: string, stem: string, objects: string, size = '') => {
    const path = await place(set, 'Annotations', `${stem}.xml`)
    await writeFile(path, `<annotation>\n<filename>${stem}.jpg</filename>${size}\n${objects}</annotation>`)
    await copyFile(picture, await place(set, 'JPEGImages', `${stem}.jpg`))
    return join(folder, set)
  }

  it('reads edges as written, difficult marks and names with entities', async () => {
    const objects = object(
      'cup &amp; saucer',
      [10, 20, 110.5, 60],
      '<difficult>1</difficult><pose>Left</pose>',
    )
    const set = await readVoc(await write('voc', 'a', objects))
    expect(set.categories).toEqual([{ id: 1, name: 'cup & saucer' }])
    expect(set.annotations[0]).toMatchObject({
      box: { x: 10, y: 20, width: 100.5, height: 40 },
      area: 4020,
      difficult: true,
    })
    expect(set.images[0]).toMatchObject({ width: 200, height: 100, fileName: 'a.jpg' })
  })

  it('lists bad objects with file and line', async () => {
    const objects =
      object('a', [0, 0, 50, 50]) +
      object('a', [0, 0, 250, 50]) +
      object('a', [50, 0, 50, 50]) +
      '<object>\n<name>a</name>\n</object>\n' +
      object('a', [0, 0, Number.NaN, 50])
    const size = '<size><width>100</width><height>100</height></size>'
    const set = await readVoc(await write('voc-bad', 'x', objects, size))
    expect(set.annotations).toHaveLength(1)
    expect(summary(set.problems)).toEqual([
      ['picture-size', 1],
      ['annotation-invalid', 12],
      ['annotation-invalid', 15],
      ['box-outside', 6],
      ['box-empty', 9],
    ])
    expect(set.problems[0]!.file).toBe(join(folder, 'voc-bad', 'Annotations', 'x.xml'))
  })

  it('lists missing pictures, unknown classes and damaged files', async () => {
    const root = await write('voc-missing', 'a', object('a', [0, 0, 50, 50]) + object('b', [0, 0, 50, 50]))
    await writeFile(join(root, 'Annotations', 'b.xml'), '<annotation><filename>b.jpg</filename></annotation>')
    await writeFile(join(root, 'Annotations', 'c.xml'), '<annotation><object>')
    const set = await readVoc(root, { classes: ['a'] })
    expect(set.problems.map((problem) => problem.kind).sort()).toEqual([
      'annotation-invalid',
      'class-unknown',
      'picture-missing',
    ])
    expect(set.annotations).toHaveLength(1)
  })

  it('does not expand entities that a file defines for itself without limit', async () => {
    const entities = Array.from(
      { length: 20 },
      (_, i) => `<!ENTITY a${i} "${`&a${i - 1};`.repeat(i === 0 ? 0 : 10)}ha">`,
    )
    const root = await write('voc-bomb', 'a', object('x', [0, 0, 50, 50]))
    const text = `<!DOCTYPE annotation [${entities.join('')}]><annotation><filename>&a19;</filename>${object('&a19;', [0, 0, 9, 9])}</annotation>`
    await writeFile(join(root, 'Annotations', 'a.xml'), text)
    const set = await readVoc(root)
    expect(JSON.stringify(set).length).toBeLessThan(10_000)
  })

  it.skipIf(!hasCorpus)('reads a split list of the corpus', async () => {
    const root = corpusPath('voc/bccd')
    const sizes = await Promise.all(
      ['train', 'val', 'test', 'all'].map(async (split) => (await readVoc(root, { split })).images.length),
    )
    expect(sizes).toEqual([130, 35, 35, 200])
    const test = await readVoc(root)
    expect(test.name).toBe('bccd test')
    expect(test.categories.map((category) => category.name)).toEqual(['Platelets', 'RBC', 'WBC'])
    await expect(readVoc(root, { split: 'nope' })).rejects.toThrow(/nope/)
  })
})

describe('YOLO reader', () => {
  const write = async (name: string, rows: string, yaml = 'names: {0: cup, 1: "1e3"}\nval: images/val\n') => {
    await copyFile(picture, await place(name, 'images', 'val', 'a.jpg'))
    await writeFile(await place(name, 'labels', 'val', 'a.txt'), rows)
    const path = await place(name, 'data.yaml')
    await writeFile(path, yaml)
    return path
  }

  it('turns fractions into pixels and polygons into boxes', async () => {
    const set = await readYolo(await write('yolo', '0 0.5 0.5 0.25 0.5\n1 0 0 0.5 0 0.5 0.5\n'))
    expect(set.annotations.map(({ box, area }) => [box, area])).toEqual([
      [{ x: 75, y: 25, width: 50, height: 50 }, 2500],
      [{ x: 0, y: 0, width: 100, height: 50 }, 2500],
    ])
    expect(set.categories.map((category) => category.name)).toEqual(['cup', '1e3'])
    expect(set.annotations[1]!.segmentation).toEqual([[0, 0, 100, 0, 100, 50]])
  })

  it('lists bad rows with file and line', async () => {
    const rows =
      '0 0.5 0.5 0.25 0.5\n\n7 0.5 0.5 0.1 0.1\n0 0.9 0.5 0.5 0.5\n0 0.5 0.5 0 0.1\n0 x 0 0 0\n0 0.1 0.1\n'
    const set = await readYolo(await write('yolo-bad', rows))
    expect(summary(set.problems)).toEqual([
      ['class-unknown', 3],
      ['box-outside', 4],
      ['box-empty', 5],
      ['annotation-invalid', 6],
      ['annotation-invalid', 7],
    ])
  })

  it('lists a picture of a list that is missing, and takes a picture without labels as empty', async () => {
    const yaml = await write('yolo-list', '', 'names: [cup]\nval: val.txt\n')
    await copyFile(picture, await place('yolo-list', 'images', 'val', 'b.jpg'))
    await writeFile(join(yaml, '..', 'val.txt'), './images/val/b.jpg\n./images/val/gone.jpg\n')
    const set = await readYolo(yaml)
    expect(set.images.map((image) => image.fileName)).toEqual(['b.jpg'])
    expect(summary(set.problems)).toEqual([
      ['picture-missing', undefined],
      ['labels-missing', undefined],
    ])
  })

  it('refuses YAML whose aliases multiply', async () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]']
    for (let i = 1; i < 12; i++) {
      lines.push(
        `a${i}: &a${i} [${Array(9)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      )
    }
    const yaml = await write('yolo-bomb', '', `${lines.join('\n')}\nnames: [cup]\nval: images/val\n`)
    await expect(readYolo(yaml)).rejects.toThrow(/alias/i)
  })

  it('finds labels by the last folder called images', () => {
    expect(labelPath('/images/set/images/val/a.b.jpg')).toBe('/images/set/labels/val/a.b.txt')
    expect(labelPath('/set/a.jpg')).toBe('/set/a.txt')
  })

  it('gives the area of a polygon whichever way it runs', () => {
    expect(polygonArea([0, 0, 4, 0, 4, 3])).toBe(6)
    expect(polygonArea([4, 3, 4, 0, 0, 0])).toBe(6)
  })
})

describe('openDataset', () => {
  it('says what it looked for when a folder holds no data set', async () => {
    await mkdir(join(folder, 'empty'), { recursive: true })
    await expect(openDataset(join(folder, 'empty'))).rejects.toThrow(
      /COCO JSON, VOC annotations or a data.yaml/,
    )
    await expect(openDataset(join(folder, 'nowhere'))).rejects.toThrow(/there is nothing/)
  })
})
