import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeCoco } from './coco-write.ts'
import type { Dataset, ReadOptions } from './dataset.ts'
import { openDataset } from './open.ts'
import { openParts } from './parts.ts'

/** Trees and files as labelling tools leave them, each with one picture of 320 × 240 and a box of 140 × 130. */

let root: string
let picture: Buffer
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'boxlet-tools-'))
  picture = await sharp({ create: { width: 320, height: 240, channels: 3, background: '#888' } })
    .jpeg()
    .toBuffer()
})
afterAll(() => rm(root, { recursive: true, force: true }))

let count = 0
/** Writes files below a folder of their own; pictures are named, not given. */
async function tree(files: Record<string, string | Uint8Array | 'picture'>): Promise<string> {
  const folder = join(root, String(count++))
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content === 'picture' ? picture : content)
  }
  return folder
}

const LINE = '0 0.40625 0.479167 0.4375 0.541667'
const BOX = { x: 60, y: 50, width: 140, height: 130 }
const voc = (name: string, extra = '') =>
  `<annotation>${extra}<object><name>${name}</name><bndbox><xmin>60</xmin><ymin>50</ymin><xmax>200</xmax><ymax>180</ymax></bndbox></object></annotation>`
const coco = (images: object[], annotations: object[], categories: object[] = [{ id: 1, name: 'cup' }]) =>
  JSON.stringify({ images, annotations, categories })

const kinds = ({ problems }: Dataset) => problems.map(({ kind }) => kind)
const named = ({ annotations, categories }: Dataset) =>
  annotations.map(({ categoryId }) => categories.find(({ id }) => id === categoryId)?.name)

async function expectOne(folder: string, name: string, options?: ReadOptions): Promise<Dataset> {
  const set = await openDataset(folder, options)
  expect(set.problems).toEqual([])
  expect(named(set)).toEqual([name])
  const { box } = set.annotations[0]!
  for (const side of ['x', 'y', 'width', 'height'] as const) {
    expect(box[side], side).toBeCloseTo(BOX[side], 1)
  }
  return set
}

describe('YOLO trees', () => {
  const labels = { 'images/a.jpg': 'picture', 'labels/a.txt': LINE } as const

  it.each<[string, Record<string, string | 'picture'>]>([
    [
      'Label Studio, names in classes.txt',
      { ...labels, 'classes.txt': 'cup\n', 'notes.json': '{"categories": []}' },
    ],
    ['LabelImg, labels beside pictures', { 'a.jpg': 'picture', 'a.txt': LINE, 'classes.txt': 'cup\n' }],
    [
      'CVAT YOLO 1.1',
      {
        'obj.data': 'classes = 1\ntrain = data/train.txt\nnames = data/obj.names\nbackup = backup/\n',
        'obj.names': 'cup\n',
        'train.txt': 'data/obj_train_data/a.jpg\n',
        'obj_train_data/a.jpg': 'picture',
        'obj_train_data/a.txt': LINE,
      },
    ],
    [
      'Roboflow, with a part that is not there',
      {
        'data.yaml': 'train: ../train/images\nval: ../valid/images\ntest: ../test/images\nnames: [cup]\n',
        'train/images/b.jpg': 'picture',
        'train/labels/b.txt': '',
        'valid/images/a.jpg': 'picture',
        'valid/labels/a.txt': LINE,
      },
    ],
    [
      'a notebook, with paths of its own machine',
      {
        'data.yaml':
          'path: /content/sets/cups\ntrain: /content/sets/cups/train\nval: /content/sets/cups/val/images\nnames: {0: cup}\n',
        'val/images/a.jpg': 'picture',
        'val/labels/a.txt': LINE,
      },
    ],
    [
      'Ultralytics, a list of another machine',
      {
        'data.yaml': 'val: val.txt\nnames: [cup]\n',
        'val.txt': '/home/somebody/sets/cups/images/a.jpg\n',
        ...labels,
      },
    ],
    [
      'other case',
      { 'data.yaml': 'val: images\nnames: [cup]\n', 'images/A.JPG': 'picture', 'labels/a.txt': LINE },
    ],
  ])('are read: %s', async (_, files) => {
    await expectOne(await tree(files), 'cup')
  })

  it('tell a part that is named and not there, and refuse it by name', async () => {
    const folder = await tree({ ...labels, 'data.yaml': 'val: images\ntest: ../test/images\nnames: [cup]\n' })
    expect((await openDataset(folder)).notes.join()).toContain('../test/images')
    expect((await openParts(folder)).map(({ name }) => name)).toEqual(['val'])
    await expect(openDataset(folder, { split: 'test' })).rejects.toThrow('../test/images')
  })

  it('say where labels were found that trainers do not look for', async () => {
    const set = await expectOne(
      await tree({
        'data.yaml': 'val: images/cam\nnames: [cup]\n',
        'images/cam/a.jpg': 'picture',
        'images/cam/a.txt': LINE,
      }),
      'cup',
    )
    expect(set.notes.join()).toContain('labels')
  })

  it('without a single label file are told as a problem, with some as a note', async () => {
    const yaml = { 'data.yaml': 'val: images\nnames: [cup]\n', 'images/b.jpg': 'picture' } as const
    expect(kinds(await openDataset(await tree(yaml)))).toEqual(['labels-missing'])
    const some = await expectOne(await tree({ ...yaml, ...labels }), 'cup')
    expect(some.notes.join()).toContain('1 of 2 pictures')
  })

  it('without class names say which file to write', async () => {
    await expect(openDataset(await tree(labels))).rejects.toMatchObject({
      code: 'DATASET_INVALID',
      hint: expect.stringContaining('classes.txt'),
    })
  })

  it('with a class twice are told', async () => {
    const folder = await tree({ ...labels, 'data.yaml': 'val: images\nnames: [cup, fork, Cup]\n' })
    expect(kinds(await openDataset(folder))).toEqual(['class-duplicate'])
  })
})

describe('YOLO lines', () => {
  const read = async (line: string, shape = '') =>
    openDataset(
      await tree({
        'data.yaml': `val: images\nnames: [cup]\n${shape}`,
        'images/a.jpg': 'picture',
        'labels/a.txt': line,
      }),
    )

  it.each([
    ['kpt_shape: [4, 2]', '0.25 0.25 0.5 0.25 0.5 0.5 0 0', [80, 60, 2, 160, 60, 2, 160, 120, 2, 0, 0, 0]],
    ['kpt_shape: [2, 3]', '0.25 0.25 2 0.5 0.5 1', [80, 60, 2, 160, 120, 1]],
  ])('with key points have the box of their first numbers, by %s', async (shape, points, keypoints) => {
    const set = await read(`${LINE} ${points}`, shape)
    expect(set.problems).toEqual([])
    expect(set.annotations[0]!.box.width).toBeCloseTo(140)
    expect(set.annotations[0]!.extra!.keypoints).toEqual(keypoints)
    const out = join(root, `coco${count++}`)
    await writeCoco([{ name: 'all', dataset: set }], out)
    expect((await openDataset(out)).annotations[0]!.extra).toMatchObject({ keypoints })
  })

  it('with key points that no kpt_shape tells of are never taken for outlines in silence', async () => {
    expect(kinds(await read(`${LINE} 0.25 0.25 0.5 0.25 0.5 0.5 0.25 0.5`))).toEqual(['annotation-invalid'])
    expect(kinds(await read(`${LINE} 0.25 0.25 2 0.5 0.25 2 0.5 0.5 2`))).toEqual(['annotation-invalid'])
    expect(
      (await read(`${LINE} 0.25 0.25 2 0.5 0.25 2`, 'kpt_shape: [3, 3]')).problems[0]!.message,
    ).toContain('3 key points')
  })

  it('with an outline or four corners are read as before', async () => {
    expect((await read('0 0.1 0.1 0.5 0.2 0.3 0.9')).problems).toEqual([])
    expect((await read('0 0.2 0.1 0.6 0.2 0.5 0.7 0.1 0.6')).problems).toEqual([])
  })

  it('with a score are read without it, and that is said', async () => {
    const set = await read(`${LINE} 0.87`)
    expect([set.problems, named(set)]).toEqual([[], ['cup']])
    expect(set.notes.join()).toContain('scores are left out')
    expect(kinds(await read(`${LINE} 87`))).toEqual(['annotation-invalid'])
  })
})

describe('VOC trees', () => {
  it.each<[string, Record<string, string | 'picture'>, ReadOptions?]>([
    ['lower case', { 'annotations/a.xml': voc('cup'), 'images/a.jpg': 'picture' }],
    ['XML beside pictures', { 'a.xml': voc('cup'), 'a.jpg': 'picture' }],
    [
      'a folder a part, as Roboflow exports',
      { 'train/a.xml': voc('cup'), 'train/a.jpg': 'picture', 'README.txt': '' },
    ],
    [
      'folders below Annotations',
      { 'Annotations/front/a.xml': voc('cup'), 'JPEGImages/front/a.jpg': 'picture' },
    ],
    ['pictures in one folder', { 'Annotations/front/a.xml': voc('cup'), 'JPEGImages/a.jpg': 'picture' }],
    [
      'a root and objects in capitals',
      {
        'Annotations/a.xml': voc('cup').replaceAll('annotation', 'Annotation').replaceAll('object', 'Object'),
        'JPEGImages/a.jpg': 'picture',
      },
    ],
    [
      'names by <filename>, with a path of another machine',
      {
        'Annotations/1.xml': voc('cup', '<filename>C:\\work\\a.jpg</filename>'),
        'JPEGImages/a.jpg': 'picture',
      },
    ],
    [
      'a list of names with blanks',
      {
        'Annotations/IMG 2023 (1).xml': voc('cup'),
        'JPEGImages/IMG 2023 (1).jpg': 'picture',
        'ImageSets/Main/val.txt': 'IMG 2023 (1)\n',
      },
      { split: 'val' },
    ],
    [
      'a list of one class',
      {
        'Annotations/a 1.xml': voc('cup'),
        'JPEGImages/a 1.jpg': 'picture',
        'ImageSets/Main/val.txt': 'a 1 -1\n',
      },
      { split: 'val' },
    ],
    [
      'a list with paths of picture and annotation',
      {
        'Annotations/a.xml': voc('cup'),
        'JPEGImages/a.jpg': 'picture',
        'ImageSets/Main/val.txt': './JPEGImages/a.jpg ./Annotations/a.xml\n',
      },
      { split: 'val' },
    ],
    [
      'the other Unicode form',
      {
        ['Annotations/Kühlregal é.xml'.normalize('NFC')]: voc('cup'),
        ['JPEGImages/Kühlregal é.jpg'.normalize('NFD')]: 'picture',
      },
    ],
  ])('are read: %s', async (_, files, options) => {
    await expectOne(await tree(files), 'cup', options)
  })

  it('divided into folders have those as parts', async () => {
    const folder = await tree({
      'train/b.xml': voc('fork'),
      'train/b.jpg': 'picture',
      'valid/a.xml': voc('cup'),
      'valid/a.jpg': 'picture',
    })
    expect((await openParts(folder)).map(({ name, dataset }) => [name, named(dataset)])).toEqual([
      ['train', ['fork']],
      ['val', ['cup']],
    ])
  })
})

describe('XML in its encoding', () => {
  const gbk = (before: string) =>
    Buffer.concat([
      Buffer.from(before.split('安全帽')[0]!),
      Buffer.from([0xb0, 0xb2, 0xc8, 0xab, 0xc3, 0xb1]),
      Buffer.from(before.split('安全帽')[1]!),
    ])
  const utf16be = (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le').swap16()

  it.each<[string, Uint8Array]>([
    ['GB2312, declared', gbk(`<?xml version="1.0" encoding="GB2312"?>${voc('安全帽')}`)],
    ['UTF-8 without a word', Buffer.from(voc('安全帽'))],
    ['UTF-8 with its mark', Buffer.from(`\uFEFF${voc('安全帽')}`)],
    [
      'UTF-16, little end first',
      Buffer.from(`\uFEFF<?xml version="1.0" encoding="UTF-16"?>${voc('安全帽')}`, 'utf16le'),
    ],
    ['UTF-16, big end first', utf16be(voc('安全帽'))],
  ])('is read: %s', async (_, xml) => {
    await expectOne(await tree({ 'Annotations/a.xml': xml, 'JPEGImages/a.jpg': 'picture' }), '安全帽')
  })

  it.each<[string, Uint8Array]>([
    ['bytes that are no UTF-8', gbk(voc('安全帽'))],
    ['an encoding that nobody knows', Buffer.from(`<?xml version="1.0" encoding="klingon"?>${voc('cup')}`)],
  ])('is told as a problem: %s', async (_, xml) => {
    const set = await openDataset(await tree({ 'Annotations/a.xml': xml, 'JPEGImages/a.jpg': 'picture' }))
    expect([kinds(set), set.annotations]).toEqual([['annotation-invalid'], []])
  })
})

describe('COCO files', () => {
  const image = { id: 1, file_name: 'a.jpg', width: 320, height: 240 }
  const cup = { id: 1, image_id: 1, category_id: 1, bbox: [60, 50, 140, 130] }
  const polygon = [60, 50, 200, 60, 180, 180]
  // Columns 60 to 199 of rows 50 to 179, as pycocotools counts.
  const runs = [60 * 240 + 50, ...Array.from({ length: 139 }, () => [130, 110]).flat(), 130, 120 * 240 + 60]

  it.each<[string, string, string?]>([
    [
      'ids of text',
      coco(
        [{ ...image, id: 'a1' }],
        [{ ...cup, id: 'x', image_id: 'a1', category_id: 'c' }],
        [{ id: 'c', name: 'cup' }],
      ),
    ],
    ['ids of digits', coco([{ ...image, id: '1' }], [{ ...cup, image_id: 1, category_id: '1' }])],
    ['no sizes', coco([{ id: 1, file_name: 'a.jpg' }], [cup])],
    ['sizes of text or nothing', coco([{ ...image, width: null, height: '240' }], [cup])],
    ['outlines only', coco([image], [{ ...cup, bbox: undefined, segmentation: [polygon] }])],
    ['outlines with an empty box', coco([image], [{ ...cup, bbox: [], segmentation: [polygon] }])],
    [
      'run lengths only',
      coco([image], [{ ...cup, bbox: undefined, segmentation: { counts: runs, size: [240, 320] } }]),
    ],
    [
      'a path of another machine',
      coco([{ ...image, file_name: '..\\..\\media\\upload\\4\\a.jpg' }], [cup]),
      'images/a.jpg',
    ],
    ['an absolute path', coco([{ ...image, file_name: '/home/somebody/sets/a.jpg' }], [cup])],
    ['a drive', coco([{ ...image, file_name: 'D:\\sets\\a.jpg' }], [cup])],
    [
      'an address',
      coco([{ ...image, file_name: 'https://example.com/data/a%20b.jpg?token=x' }], [cup]),
      'images/a b.jpg',
    ],
    [
      'another Unicode form',
      coco([{ ...image, file_name: 'é.jpg'.normalize('NFC') }], [cup]),
      'é.jpg'.normalize('NFD'),
    ],
    ['another case', coco([{ ...image, file_name: 'A.JPEG' }], [cup]), 'a.jpeg'],
  ])('are read: %s', async (_, json, name = 'a.jpg') => {
    const folder = await tree({ 'instances.json': json, [name]: 'picture' })
    const set = await expectOne(folder, 'cup')
    expect([set.images[0]!.width, set.images[0]!.height]).toEqual([320, 240])
  })

  it('give the area of an outline that has none', async () => {
    const json = coco(
      [image],
      [{ ...cup, bbox: undefined, segmentation: { counts: runs, size: [240, 320] } }],
    )
    expect((await openDataset(await tree({ 'a.json': json, 'a.jpg': 'picture' }))).annotations[0]!.area).toBe(
      140 * 130,
    )
  })

  it('without a size and without the picture are told', async () => {
    const set = await openDataset(await tree({ 'a.json': coco([{ id: 1, file_name: 'gone.jpg' }], []) }))
    expect(kinds(set)).toContain('annotation-invalid')
  })

  it.each<[string, string, string, string]>([
    ['beside one another', 'images', 'instances_train2017.json', 'instances_val2017.json'],
    ['in annotations', 'images', 'annotations/coco_train.json', 'annotations/coco_valid.json'],
    [
      'in a folder each, as Roboflow exports',
      'train',
      'train/_annotations.coco.json',
      'valid/_annotations.coco.json',
    ],
  ])('for each part are its parts, with one list of classes: %s', async (_, pictures, train, val) => {
    const fork = { ...cup, id: 1, category_id: 1 }
    const folder = await tree({
      [train]: coco([{ ...image, file_name: 'b.jpg' }], [fork], [{ id: 1, name: 'fork' }]),
      [val]: coco([image], [cup]),
      [`${pictures}/b.jpg`]: 'picture',
      [`${pictures === 'images' ? 'images' : 'valid'}/a.jpg`]: 'picture',
      ...(train.startsWith('instances') ? { 'captions_train2017.json': '{}' } : {}),
    })
    const parts = await openParts(folder)
    expect(parts.map(({ name, dataset }) => [name, named(dataset), dataset.problems])).toEqual([
      ['train', ['fork'], []],
      ['val', ['cup'], []],
    ])
    expect(parts[0]!.dataset.categories).toEqual(parts[1]!.dataset.categories)
    await expectOne(folder, 'cup')
    const whole = await openDataset(folder, { split: 'all' })
    expect([named(whole), new Set(whole.images.map(({ id }) => id)).size]).toEqual([['fork', 'cup'], 2])
    await expect(openDataset(folder, { split: 'test' })).rejects.toThrow('it has train, val')
  })

  it('never lead out of their folder', async () => {
    const folder = await tree({ 'inner/a.json': coco([{ ...image, file_name: '../../secret.jpg' }], [cup]) })
    await writeFile(join(folder, '..', 'secret.jpg'), picture)
    const set = await openDataset(join(folder, 'inner/a.json'))
    expect(set.images).toEqual([])
  })

  it('with a class twice, or without annotations, are told', async () => {
    const twice = coco(
      [image],
      [cup],
      [
        { id: 1, name: 'cup' },
        { id: 2, name: 'Cup' },
      ],
    )
    expect(kinds(await openDataset(await tree({ 'a.json': twice, 'a.jpg': 'picture' })))).toEqual([
      'class-duplicate',
    ])
    expect(kinds(await openDataset(await tree({ 'a.json': coco([image], []), 'a.jpg': 'picture' })))).toEqual(
      ['labels-missing'],
    )
  })
})
