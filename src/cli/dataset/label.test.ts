import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { boxlet } from '../../../test/support/boxlet.ts'
import { constantModel } from '../../../test/support/onnx-graph.ts'
import { openDataset } from '../../datasets/open.ts'

let folder: string
let photos: string
let model: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxlet-label-'))
  photos = join(folder, 'photos')
  // A cat of 40 × 30 pixels at 20, 10 and a dog of 16 × 16 at 4, 4, in any picture.
  const rows = Array.from({ length: 6 }, () => new Float32Array(84))
  for (const [at, values] of [
    [0, [40, 25, 40, 30, 0.9, 0]],
    [1, [12, 12, 16, 16, 0, 0.3]],
  ] as const) {
    values.forEach((value, row) => {
      rows[row]![at] = value
    })
  }
  const values = Float32Array.from(rows.flatMap((row) => [...row]))
  model = join(folder, 'cats.onnx')
  await writeFile(
    model,
    constantModel(
      [{ name: 'images', shape: [1, 3, 64, 64] }],
      [{ name: 'output0', shape: [1, 6, 84], values }],
      { names: "{0: 'cat', 1: 'dog'}" },
    ),
  )
  const grey = { create: { width: 64, height: 64, channels: 3 as const, background: '#777' } }
  await sharp(grey)
    .png()
    .toFile(join(await made(photos), 'a b.png'))
  await sharp(grey).png().toFile(join(photos, 'c.png'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function made(path: string): Promise<string> {
  const { mkdir } = await import('node:fs/promises')
  await mkdir(path, { recursive: true })
  return path
}

const label = (out: string, ...args: string[]) =>
  boxlet(['dataset', 'label', photos, '--model', model, '--out', join(folder, out), ...args])

async function labelsOf(out: string): Promise<string[]> {
  const { annotations, categories, problems } = await openDataset(join(folder, out))
  expect(problems).toEqual([])
  return annotations.map(({ categoryId, box: { x, y, width, height } }) => {
    const name = categories.find(({ id }) => id === categoryId)?.name
    return [name, ...[x, y, width, height].map(Math.round)].join(' ')
  })
}

describe('boxlet dataset label', () => {
  it.each(['yolo', 'coco', 'voc'])('writes what a model finds as %s, to be read back', async (to) => {
    const { code, err } = await label(to, '--to', to, '--min-score', '0.2')
    expect({ code, err }).toMatchObject({ code: 0 })
    const found = ['cat 20 10 40 30', 'dog 4 4 16 16']
    expect(await labelsOf(to)).toEqual([...found, ...found])
    expect(await readFile(join(folder, to, 'look.html'), 'utf8')).toContain('<rect')
  })

  it('leaves out what is below the score, and other classes than those asked for', async () => {
    await label('high', '--min-score', '0.5')
    expect(await labelsOf('high')).toEqual(['cat 20 10 40 30', 'cat 20 10 40 30'])
    await label('dogs', '--min-score', '0.2', '--classes', 'Dog')
    expect(await labelsOf('dogs')).toEqual(['dog 4 4 16 16', 'dog 4 4 16 16'])
    expect((await openDataset(join(folder, 'dogs'))).categories.map(({ name }) => name)).toEqual(['dog'])
  })

  it('goes on past a picture that cannot be read, and names it', async () => {
    await writeFile(join(photos, 'broken.png'), 'no picture')
    const { err } = await label('some')
    await rm(join(photos, 'broken.png'))
    expect(err).toContain('broken.png')
    expect((await openDataset(join(folder, 'some'))).images).toHaveLength(2)
  })

  it('writes into no folder that holds something, and asks for one', async () => {
    await label('full')
    expect(await label('full')).toMatchObject({ code: 2, err: expect.stringContaining('--force') })
    expect((await boxlet(['dataset', 'label', photos, '--model', model])).code).toBe(2)
    expect((await label('wrong', '--classes', 'cot')).err).toContain('Did you mean "cat"?')
    expect(await readdir(folder)).not.toContain('wrong')
  })
})
