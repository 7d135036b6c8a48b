import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { boxlet } from '../../../test/support/boxlet.ts'
import { tinyYolox, writeShapes } from '../../../test/support/tiny-yolox.ts'

let folder: string
let data: string
let base: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxlet-teach-sets-'))
  data = dirname(await writeShapes(join(folder, 'shapes'), { train: 24, val: 6, test: 6 }))
  base = join(folder, 'tiny.onnx')
  await writeFile(base, tinyYolox(['something']))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let count = 0
/** Reads, checks and draws a set, without a step of training. */
const preview = (set: string, ...args: string[]) =>
  boxlet([
    ...['teach', set, '--base', base, '--workers', '1', '--least-objects', '1', '--preview'],
    ...['--out', join(folder, `look${count++}.onnx`), ...args],
  ])

const converted = async (to: string) => {
  const out = join(folder, to)
  await boxlet(['dataset', 'convert', data, '--to', to, '--out', out])
  return out
}

/** Labels beside the pictures, in one folder, without parts. */
async function plainFolder(name: string, parts: readonly string[]): Promise<string> {
  const out = join(folder, name)
  await mkdir(out)
  for (const part of parts) {
    for (const picture of await readdir(join(data, 'images', part))) {
      const stem = picture.replace(/\.png$/, '')
      await copyFile(join(data, 'images', part, picture), join(out, picture))
      await copyFile(join(data, 'labels', part, `${stem}.txt`), join(out, `${stem}.txt`))
    }
  }
  await writeFile(join(out, 'classes.txt'), 'red\ngreen\nblue\n')
  return out
}

describe('boxlet teach reads', () => {
  it.each(['coco', 'voc', 'yolo'])('the parts of a set in %s form', async (to) => {
    const { code, err } = await preview(await converted(to))
    expect(err).toContain('Train 24 pictures, ')
    expect(code).toBe(0)
  })

  it('a folder with label files beside its pictures, divided by the seed', async () => {
    const { code, err } = await preview(await plainFolder('plain', ['train', 'val', 'test']))
    expect(err).toContain('Train 25 pictures, ')
    expect(code).toBe(0)
  })

  it('a single picture, and says that nothing can be measured', async () => {
    const set = join(folder, 'single')
    await mkdir(set)
    await copyFile(join(data, 'images/train/train0.png'), join(set, 'a.png'))
    await copyFile(join(data, 'labels/train/train0.txt'), join(set, 'a.txt'))
    await writeFile(join(set, 'classes.txt'), 'red\ngreen\nblue\n')
    const { code, err } = await preview(set, '--problems', 'skip')
    expect(code).toBe(0)
    expect(err).toContain('The set has no part "val"')
    expect(err).toContain('The set has no part "test"')
  })

  it('further sets to learn from, and says where a model drew their boxes', async () => {
    const more = join(folder, 'more')
    await mkdir(more)
    await copyFile(join(data, 'images/val/val0.png'), join(more, 'kept.png'))
    const annotation = { id: 1, image_id: 1, category_id: 7, bbox: [4, 4, 20, 20], score: 0.4 }
    await writeFile(
      join(more, 'instances.json'),
      JSON.stringify({
        images: [{ id: 1, file_name: 'kept.png', width: 64, height: 64 }],
        annotations: [annotation],
        categories: [{ id: 7, name: 'violet' }],
      }),
    )
    const { code, err } = await preview(data, '--also', more)
    expect(code).toBe(0)
    expect(err).toContain('Train 25 pictures, ')
    expect(err).toMatch(/1 of \d+ objects to learn from carry the score of a model/)
    expect(err).toContain('val0.png of "val" is nearly the same picture as kept.png')
    expect(await readFile(join(folder, `look${count - 1}.preview.html`), 'utf8')).toContain('violet')
  })
})

describe('boxlet teach says before it begins', () => {
  it('which classes never occur, and leaves them out where it is asked to', async () => {
    const set = await plainFolder('unused', ['train'])
    await writeFile(join(set, 'classes.txt'), 'red\ngreen\nblue\n\u001b[31mviolet\nwhite\n')
    const refused = await preview(set)
    expect(refused.code).toBe(3)
    expect(refused.err).toContain('there is none of "\\u001b[31mviolet", "white"')
    const { code, err } = await preview(set, '--problems', 'skip')
    expect(code).toBe(0)
    expect(err).toContain('left out')
  })

  it('what is wrong, by file and line, and which class has too few objects', async () => {
    const set = await plainFolder('wrong', ['train'])
    await writeFile(join(set, 'train0.txt'), '0 0.5 0.5 0.2 0.2\n0 0.9 0.9 0.5 0.5\n')
    await writeFile(join(set, 'train1.png'), 'no picture')
    const { code, err } = await preview(set)
    expect(code).toBe(3)
    expect(err).toMatch(/train0\.txt:2: Expected a box inside/)
    expect(err).toMatch(/train1\.png: .*\(picture-unreadable/)
    const few = await preview(data, '--least-objects', '1000')
    expect(few.code).toBe(3)
    expect(few.err).toMatch(/at least 1000 objects of "red" to learn from but received \d+/)
  })

  it.each([
    ['a folder', '.'],
    ['a place that cannot be written', '/dev/null/x.onnx'],
  ])('that the result cannot be %s', async (_, out) => {
    const target = out === '.' ? join(folder, 'folder.onnx') : out
    await mkdir(join(folder, 'folder.onnx'), { recursive: true })
    const { code, err } = await boxlet(['teach', data, '--base', base, '--out', target])
    expect(code).toBe(3)
    expect(err).toContain('[OUTPUT_UNWRITABLE]')
  })

  it('that the result would overwrite another file', async () => {
    const { code, err } = await boxlet(['teach', data, '--base', base, '--out', base])
    expect(code).toBe(3)
    expect(err).toContain('--force')
  })

  it('that there is nothing to learn from', async () => {
    const empty = join(folder, 'empty')
    await mkdir(empty)
    await writeFile(join(empty, 'classes.txt'), 'red\n')
    const { code, err } = await preview(empty)
    expect(code).toBe(3)
    expect(err).toContain('at least 1 objects of "red" to learn from but received 0')
  })
})
