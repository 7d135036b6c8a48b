import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { constantModel, yolov8Head } from '../../test/support/onnx-graph.ts'
import { Detector } from './detector.ts'
import type { LoadOptions, RgbImage } from './types.ts'

/** 64 × 64 input: 64 + 16 + 4 cells. */
const CELLS = 84
const picture: RgbImage = { width: 64, height: 64, data: new Uint8Array(64 * 64 * 3) }

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxlet-labels-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Names of what a model of three classes finds, with files of the given names beside it. */
async function found(
  files: Record<string, string>,
  metadata: Record<string, string> = {},
  options: LoadOptions = {},
): Promise<{ labels: string[]; notices: string[] }> {
  const rows = [
    [32, 32, 20, 16, 0.9, 0, 0],
    [10, 20, 10, 8, 0, 0.8, 0],
    [50, 50, 10, 8, 0, 0, 0.7],
  ]
  const bytes = constantModel(
    [{ name: 'images', shape: [1, 3, 64, 64] }],
    [{ name: 'output0', shape: [1, 7, CELLS], values: yolov8Head(rows, CELLS, 7) }],
    metadata,
  )
  const path = join(folder, 'fridge.onnx')
  await writeFile(path, bytes)
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, name), text)
  }
  const notices: string[] = []
  await using detector = await Detector.load(path, { ...options, onNotice: (line) => notices.push(line) })
  const { detections } = await detector.detect(picture)
  return { labels: detections.map(({ label }) => label), notices }
}

const THREE = ['cup', 'fork', 'plate']

describe('labels beside a model under its name', () => {
  it.each<[string, string]>([
    ['fridge.labels.txt', 'cup\nfork\nplate\n'],
    ['fridge.labels.json', '{"id2label": {"0": "cup", "1": "fork", "2": "plate"}}'],
    ['fridge.names', 'cup\nfork\nplate'],
    ['fridge.class_map.json', '{"background": 0, "cup": 1, "fork": 2, "plate": 3}'],
    ['fridge_labels.txt', '0  cup\n1  fork\n2  plate\n'],
    ['fridge.pbtxt', "item { id: 1 name: 'cup' } item { id: 2 name: 'fork' } item { id: 3 name: 'plate' }"],
    ['fridge.yaml', 'names: [cup, fork, plate]\n'],
    ['fridge.txt', 'cup\nfork\nplate\n'],
  ])('name the classes that the file does not: %s', async (name, text) => {
    expect(await found({ [name]: text })).toEqual({ labels: THREE, notices: [] })
  })

  it('give way to labels in the file, and to those that are asked for', async () => {
    const beside = { 'fridge.labels.txt': 'cup\nfork\nplate\n' }
    const named = { task: 'detect', names: "{0: 'a', 1: 'b', 2: 'c'}" }
    expect((await found(beside, named)).labels).toEqual(['a', 'b', 'c'])
    expect((await found(beside, {}, { labels: ['x', 'y', 'z'] })).labels).toEqual(['x', 'y', 'z'])
  })

  it('are left out with a word where they do not fit', async () => {
    const { labels, notices } = await found({ 'fridge.txt': 'cup\nfork\nplate\nknife\nspoon\n' })
    expect(labels).toEqual(['class 0', 'class 1', 'class 2'])
    expect(notices.join()).toContain('"fridge.txt" lies beside the model')
  })

  it('are not those of another model', async () => {
    expect((await found({ 'freezer.labels.txt': 'cup\nfork\nplate\n' })).labels).toEqual([
      'class 0',
      'class 1',
      'class 2',
    ])
  })
})
