import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { corpusPath, hasCorpus } from '../../test/support/corpus.ts'
import { checkPictures } from './check-pictures.ts'
import { writeCoco } from './coco-write.ts'
import type { Annotation, Dataset } from './dataset.ts'
import { openDataset } from './open.ts'
import { openParts } from './parts.ts'
import { seededRandom } from './random.ts'
import { stratify } from './split.ts'
import { datasetStats } from './stats.ts'
import { writeVoc } from './voc-write.ts'
import { writeYolo } from './yolo-write.ts'

let folder: string
let dataset: Dataset
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxlet-write-'))
  const images = await Promise.all(
    [3, 7].map(async (id) => {
      const path = join(folder, `${id}.png`)
      await sharp({ create: { width: 300, height: 200, channels: 3, background: '#468' } })
        .png()
        .toFile(path)
      return { id, fileName: `sub/${id}.png`, path, width: 300, height: 200, extra: { license: 4 } }
    }),
  )
  const categories = [
    { id: 2, name: 'cup & <saucer>' },
    { id: 9, name: 'spoon', supercategory: 'cutlery' },
  ]
  const of = (
    id: number,
    imageId: number,
    categoryId: number,
    rest: Partial<Annotation> = {},
  ): Annotation => ({
    id,
    imageId,
    categoryId,
    box: { x: 10.25, y: 20.5, width: 100, height: 50.125 },
    area: 4000,
    crowd: false,
    difficult: false,
    ...rest,
  })
  const annotations = [
    of(11, 3, 2, { segmentation: [[1, 2, 3, 4, 5, 6]] }),
    of(12, 3, 9, { crowd: true, segmentation: { counts: [1, 2], size: [200, 300] } }),
    of(13, 7, 9, { difficult: true, extra: { pose: 'Left', truncated: true } }),
  ]
  dataset = { name: 'made up', format: 'coco', categories, images, annotations, problems: [], notes: [] }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const whole = () => [{ name: 'all', dataset }]
const boxes = (set: Dataset) => set.annotations.map(({ box }) => [box.x, box.y, box.width, box.height])

describe('writing COCO', () => {
  it('loses nothing', async () => {
    const out = join(folder, 'coco')
    const { losses } = await writeCoco(whole(), out)
    const set = await openDataset(out)
    expect(losses).toEqual([])
    expect(set.categories).toEqual(dataset.categories)
    expect(set.images.map(({ id, fileName, extra }) => [id, fileName, extra])).toEqual([
      [3, 'sub/3.png', { license: 4 }],
      [7, 'sub/7.png', { license: 4 }],
    ])
    expect(set.annotations.map(({ extra: _, ...kept }) => kept)).toEqual(
      dataset.annotations.map(({ extra: _, ...kept }) => kept),
    )
  })

  it('refuses a folder that holds files, unless forced', async () => {
    const out = join(folder, 'full')
    await mkdir(out)
    await writeFile(join(out, 'precious.txt'), 'x')
    await expect(writeCoco(whole(), out)).rejects.toThrow(/empty folder/)
    await writeCoco(whole(), out, { force: true })
    expect(await readFile(join(out, 'precious.txt'), 'utf8')).toBe('x')
  })
})

describe('writing VOC', () => {
  it('keeps boxes, names and marks, and tells what is lost', async () => {
    const out = join(folder, 'voc')
    const { losses } = await writeVoc(whole(), out)
    const set = await openDataset(out)
    expect(boxes(set)).toEqual(boxes(dataset))
    expect(set.categories.map((category) => category.name)).toEqual(['cup & <saucer>', 'spoon'])
    expect(set.annotations.map((annotation) => annotation.difficult)).toEqual([false, true, true])
    expect(set.annotations[2]!.extra).toEqual({ truncated: true, pose: 'Left' })
    expect(losses.join()).toMatch(/1 crowds.*2 outlines/)
  })
})

describe('writing YOLO', () => {
  it('keeps boxes to a thousandth of a pixel and leaves crowds out', async () => {
    const out = join(folder, 'yolo')
    const { objects, losses } = await writeYolo(whole(), out)
    const set = await openDataset(out)
    expect(objects).toBe(2)
    boxes(set).forEach((box) => {
      box.forEach((value, i) => {
        expect(value).toBeCloseTo(boxes(dataset)[0]![i]!, 3)
      })
    })
    expect(set.annotations.map((annotation) => annotation.categoryId)).toEqual([0, 1])
    expect(losses.join()).toMatch(/1 crowds are left out/)
  })

  it('gives an undivided set back undivided, though data.yaml names it as train and val', async () => {
    const out = join(folder, 'yolo-undivided')
    await writeYolo(whole(), out)
    expect(await readFile(join(out, 'data.yaml'), 'utf8')).toMatch(/train: images\/all\nval: images\/all/)
    const parts = await openParts(out)
    expect(parts.map(({ name, dataset: set }) => [name, set.images.length])).toEqual([['all', 2]])
  })

  it('reads folders that two parts of three share once', async () => {
    const out = join(folder, 'yolo-shared')
    await writeYolo(whole(), out)
    await mkdir(join(out, 'images/other'))
    const yaml = 'train: images/all\nval: ./images/all/\ntest: images/other\nnames: [cup, spoon]\n'
    await writeFile(join(out, 'data.yaml'), yaml)
    const parts = await openParts(out)
    expect(parts.map(({ name, dataset: set }) => [name, set.images.length])).toEqual([
      ['train', 2],
      ['test', 0],
    ])
  })
})

describe.skipIf(!hasCorpus)('converting the corpus', () => {
  it('brings a VOC set through COCO and YOLO with every object', async () => {
    const parts = await openParts(corpusPath('voc/bccd'))
    await writeYolo(parts, join(folder, 'bccd-yolo'), { pictures: 'link' })
    const back = await openParts(join(folder, 'bccd-yolo'))
    const counts = (list: typeof parts) =>
      list.map(({ name, dataset: set }) => [name, set.images.length, set.annotations.length]).sort()
    expect(counts(back)).toEqual(counts(parts))
    await writeCoco(back, join(folder, 'bccd-coco'), { pictures: 'link' })
    const test = await openDataset(join(folder, 'bccd-coco', 'instances_test.json'))
    expect(test.annotations).toHaveLength(
      parts.find((part) => part.name === 'test')!.dataset.annotations.length,
    )
  })
})

describe('stratify', () => {
  const set = (classes: number[][]): Dataset => ({
    ...dataset,
    images: classes.map((_, id) => ({ id, fileName: `${id}`, path: '', width: 9, height: 9 })),
    annotations: classes.flatMap((list, imageId) =>
      list.map((categoryId) => ({ ...dataset.annotations[0]!, imageId, categoryId })),
    ),
  })

  it('puts every picture into exactly one part', () => {
    const classes = fc.array(fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 6 }), { maxLength: 40 })
    fc.assert(
      fc.property(classes, fc.integer(), (list, seed) => {
        const parts = stratify(
          set(list),
          [
            { name: 'a', share: 2 },
            { name: 'b', share: 1 },
          ],
          seededRandom(seed),
        )
        const ids = parts.flatMap((part) => [...part]).sort((a, b) => a - b)
        expect(ids).toEqual(list.map((_, id) => id))
      }),
    )
  })

  it('gives a class of ten pictures its share in every part', () => {
    const list = Array.from({ length: 200 }, (_, i) => (i % 20 === 0 ? [1] : [0]))
    const shares = [0.7, 0.2, 0.1].map((share, i) => ({ name: `${i}`, share }))
    const parts = stratify(set(list), shares, seededRandom(5))
    const rare = parts.map((part) => [...part].filter((id) => id % 20 === 0).length)
    expect(rare).toEqual([7, 2, 1])
    expect(parts.map((part) => part.size)).toEqual([140, 40, 20])
  })
})

describe('datasetStats', () => {
  it('counts objects, crowds and sizes', () => {
    const stats = datasetStats(dataset)
    expect(stats).toMatchObject({ pictures: 2, emptyPictures: 0, objects: 2 })
    expect(stats.classes.map(({ name, objects, crowds }) => [name, objects, crowds])).toEqual([
      ['cup & <saucer>', 1, 0],
      ['spoon', 1, 1],
    ])
  })
})

describe('checkPictures', () => {
  it('lists pictures that are missing, cut off or of another size', async () => {
    const whole = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#123' } })
      .jpeg()
      .toBuffer()
    const noise = await sharp(Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 256)), {
      raw: { width: 64, height: 64, channels: 3 },
    })
      .jpeg()
      .toBuffer()
    await writeFile(join(folder, 'whole.jpg'), whole)
    await writeFile(join(folder, 'cut.jpg'), noise.subarray(0, noise.length / 2))
    await writeFile(join(folder, 'text.jpg'), 'not a picture')
    const image = (name: string, width = 64) => ({
      id: 1,
      fileName: name,
      path: join(folder, name),
      width,
      height: 64,
    })
    const images = [
      image('whole.jpg'),
      image('whole.jpg', 65),
      image('cut.jpg'),
      image('gone.jpg'),
      image('text.jpg'),
    ]
    const problems = await checkPictures({ ...dataset, images })
    expect(problems.map((problem) => problem.kind)).toEqual([
      'picture-size',
      'picture-truncated',
      'picture-missing',
      'picture-unreadable',
    ])
  })
})
