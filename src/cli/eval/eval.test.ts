import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { corpusPath, hasCorpus } from '../../../test/support/corpus.ts'
import { constantModel, yolov8Head } from '../../../test/support/onnx-graph.ts'
import { main } from '../main.ts'

let folder: string
let model: string
let data: string

/** A model that finds a cat at (22, 24)–(42, 40) of 64 and a dog at (0, 0)–(10, 10), whatever it is shown. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxlet-eval-'))
  model = join(folder, 'pets.onnx')
  const rows = [
    [32, 32, 20, 16, 0.9, 0],
    [5, 5, 10, 10, 0, 0.4],
  ]
  await writeFile(
    model,
    constantModel(
      [{ name: 'images', shape: [1, 3, 64, 64] }],
      [{ name: 'output0', shape: [1, 6, 84], values: yolov8Head(rows, 84, 6) }],
      { names: "{0: 'cat', 1: 'dog'}" },
    ),
  )
  data = await writeSet('pets')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Six pictures of 64 × 64, each with the cat where the model sees it; the third has another dog instead. */
async function writeSet(name: string, changes: object = {}): Promise<string> {
  const root = join(folder, name)
  await mkdir(root, { recursive: true })
  const images = Array.from({ length: 6 }, (_, i) => ({
    id: i + 1,
    file_name: `${i + 1}.png`,
    width: 64,
    height: 64,
  }))
  for (const { id, file_name } of images) {
    const background = { r: 40 * id, g: 90, b: 120 }
    await sharp({ create: { width: 64, height: 64, channels: 3, background } })
      .png()
      .toFile(join(root, file_name))
  }
  const annotations = images.map(({ id }) => ({
    id,
    image_id: id,
    category_id: id === 3 ? 8 : 4,
    bbox: id === 3 ? [40, 40, 20, 20] : [22, 24, 20, 16],
    area: 320,
    iscrowd: 0,
  }))
  const categories = [
    { id: 4, name: 'Cat' },
    { id: 8, name: 'dog' },
  ]
  const path = join(root, 'instances.json')
  await writeFile(path, JSON.stringify({ images, annotations, categories, ...changes }))
  return path
}

async function boxlet(args: string[], options: { env?: Record<string, string>; signal?: AbortSignal } = {}) {
  const collect = (stream: PassThrough) => {
    const parts: Buffer[] = []
    stream.on('data', (part: Buffer) => parts.push(part))
    return () => Buffer.concat(parts).toString()
  }
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const [out, err] = [collect(stdout), collect(stderr)]
  const code = await main(args, {
    stdout,
    stderr,
    stdin: Readable.from([]),
    env: { BOXLET_CACHE: join(folder, 'cache'), ...options.env },
    signal: options.signal ?? new AbortController().signal,
  })
  return { code, out: out(), err: err() }
}

describe('boxlet eval', () => {
  it('measures a model on a data set', async () => {
    const { code, out } = await boxlet(['eval', model, '--data', data, '--format', 'json'])
    const report = JSON.parse(out)
    expect(code).toBe(0)
    // Five of five cats, one of six cat detections false; no dog where a dog is.
    expect(report.stats.ap50).toBeCloseTo(0.5, 1)
    expect(report.classes[0]).toMatchObject({
      name: 'Cat',
      counts: { truths: 5, truePositives: 5, falsePositives: 1 },
    })
    expect(report.classes[0].threshold).toMatchObject({ truePositives: 5, falseNegatives: 0 })
    expect(report.classes[1]).toMatchObject({ name: 'dog', ap: 0, threshold: null })
    expect(report.subject).toMatchObject({ name: 'pets', family: 'yolov8', kind: 'model' })
  })

  it('takes kept results the second time, and measures again when told', async () => {
    const args = ['eval', model, '--data', data, '--format', 'json']
    const env = { BOXLET_CACHE: join(folder, 'cache-2') }
    const reports = []
    for (const more of [[], [], ['--fresh'], ['--no-reuse'], ['--min-score', '0.3']]) {
      reports.push(JSON.parse((await boxlet([...args, ...more], { env })).out))
    }
    expect(reports.map((report) => report.speed.cached)).toEqual([0, 6, 0, 0, 0])
    expect(reports[1].stats).toEqual(reports[0].stats)
  })

  it('goes on after a crash that cut the last line', async () => {
    const env = { BOXLET_CACHE: join(folder, 'cache-3') }
    await boxlet(['eval', model, '--data', data], { env })
    const kept = join(folder, 'cache-3', 'evaluations')
    const [name] = await readdir(kept)
    const text = await readFile(join(kept, name!), 'utf8')
    await writeFile(join(kept, name!), text.slice(0, text.length - 40))
    const { out } = await boxlet(['eval', model, '--data', data, '--format', 'json'], { env })
    expect(JSON.parse(out).speed.cached).toBe(5)
  })

  it('writes the report as a page, JSON, Markdown and COCO results', async () => {
    const out = join(folder, 'report')
    const { err } = await boxlet(['eval', model, '--data', data, '--out', out])
    expect(err).toContain('report.html')
    expect((await readdir(out)).sort()).toEqual([
      'detections.json',
      'report.html',
      'report.json',
      'report.md',
    ])
    const page = await readFile(join(out, 'report.html'), 'utf8')
    expect(page).toContain("default-src 'none'")
    expect(page).toContain('data:image/jpeg;base64,')
    expect(page).not.toMatch(/<script|(src|href)="(?!data:|#)[^"]|url\(/)
    const results = JSON.parse(await readFile(join(out, 'detections.json'), 'utf8'))
    expect(results[0]).toMatchObject({ image_id: 1, category_id: 4, bbox: [22, 24, 20, 16] })
    const again = await boxlet([
      'eval',
      '--detections',
      join(out, 'detections.json'),
      '--data',
      data,
      '--format',
      'json',
    ])
    const first = JSON.parse(await readFile(join(out, 'report.json'), 'utf8'))
    expect(JSON.parse(again.out).stats).toEqual(first.stats)
  })

  it('escapes what names in a data set try to do to the page', async () => {
    const evil = '<img src=x onerror=alert(1)>'
    const categories = [
      { id: 4, name: 'cat' },
      { id: 8, name: evil },
    ]
    const set = await writeSet('evil', { categories })
    const out = join(folder, 'evil-report')
    await boxlet(['eval', model, '--data', set, '--out', out])
    expect(await readFile(join(out, 'report.html'), 'utf8')).not.toContain('<img')
  })

  it('writes the best thresholds into a contract that detection then uses', async () => {
    const contract = join(folder, 'cuts.json')
    await boxlet(['eval', model, '--data', data, '--write-thresholds', contract])
    const { thresholds } = JSON.parse(await readFile(contract, 'utf8'))
    expect(Object.keys(thresholds.perClass)).toEqual(['cat'])
    expect(thresholds.perClass.cat).toBeGreaterThan(0.4)
    const picture = join(folder, 'pets', '1.png')
    const { out } = await boxlet([
      'detect',
      picture,
      '--model',
      model,
      '--contract',
      contract,
      '--format',
      'json',
    ])
    expect(JSON.parse(out).images[0].detections.map((found: { label: string }) => found.label)).toEqual([
      'cat',
    ])
  })

  it('lists missing and damaged pictures, measures the rest and says so by its exit code', async () => {
    const set = await writeSet('damaged')
    await rm(join(folder, 'damaged', '2.png'))
    await writeFile(join(folder, 'damaged', '4.png'), 'not a picture')
    const { code, out, err } = await boxlet(['eval', model, '--data', set, '--format', 'json'])
    expect(code).toBe(1)
    expect(JSON.parse(out).dataset.pictures).toBe(4)
    expect(err).toMatch(/2\.png: .*picture-missing/)
    expect(err).toMatch(/4\.png: .*picture-unreadable/)
    const fatal = await boxlet(['eval', model, '--data', set, '--problems', 'fatal'])
    expect(fatal.code).toBe(3)
  })

  it('says which names do not fit before it runs the model', async () => {
    const categories = [
      { id: 4, name: 'lorry' },
      { id: 8, name: 'bus' },
    ]
    const set = await writeSet('cars', { categories })
    const { code, err } = await boxlet(['eval', model, '--data', set])
    expect(code).toBe(3)
    expect(err).toMatch(/cat, dog.*lorry, bus.*--map/)
    const map = join(folder, 'map.json')
    await writeFile(map, JSON.stringify({ cat: 'lorry', dog: null }))
    const mapped = await boxlet(['eval', model, '--data', set, '--map', map, '--format', 'json'])
    expect(JSON.parse(mapped.out).classes[0]).toMatchObject({ name: 'lorry', counts: { truePositives: 5 } })
  })

  it('compares two models, and makes a table of more, with a row for one that fails', async () => {
    const two = await boxlet(['eval', model, model, '--data', data])
    expect(two.out).toMatch(/AP of pets minus pets: 0\.0000/)
    const broken = join(folder, 'broken.onnx')
    await writeFile(broken, 'nothing')
    const three = await boxlet(['eval', model, model, model, broken, '--data', data, '--format', 'markdown'])
    expect(three.code).toBe(1)
    expect(three.out.split('\n').filter((line) => line.startsWith('| pets'))).toHaveLength(3)
    expect(three.out).toMatch(/\| .*broken\.onnx \| MODEL_\w+ \|/)
  })

  it.each([
    [['eval', 'x.onnx'], /--data/],
    [['eval', '--data', 'nowhere'], /Expected a model/],
    [['dataset', 'burn'], /Expected stats, convert/],
    [['dataset', 'convert', 'x', '--out', 'y'], /--to/],
    [['diff', 'a.onnx', '--images', 'x'], /two models to compare/],
  ])('refuses %j with one line and exit code 2', async (args, message) => {
    const { code, err } = await boxlet(args)
    expect(code).toBe(2)
    expect(err).toMatch(message)
    expect(err.trim().split('\n')).toHaveLength(1)
  })
})

describe('boxlet diff', () => {
  it('finds no difference between a model and itself, and writes the page', async () => {
    const page = join(folder, 'diff.html')
    const images = join(folder, 'pets')
    const { code, out } = await boxlet([
      'diff',
      model,
      model,
      '--images',
      images,
      '--out',
      page,
      '--format',
      'json',
    ])
    const difference = JSON.parse(out)
    expect(code).toBe(0)
    expect(difference).toMatchObject({ pictures: 6, agreement: { both: 12, onlyA: 0, onlyB: 0, f1: 1 } })
    expect(await readFile(page, 'utf8')).toContain('find the same objects everywhere')
  })
})

describe('boxlet dataset', () => {
  it('counts a set, and shows what is wrong with file and line', async () => {
    const root = join(folder, 'wrong')
    await mkdir(root, { recursive: true })
    await writeSet('wrong', {
      annotations: [{ id: 1, image_id: 1, category_id: 4, bbox: [0, 0, 0, 5] }],
    })
    const { code, out } = await boxlet(['dataset', 'stats', root])
    expect(code).toBe(1)
    expect(out).toMatch(/instances\.json:1: .*box-empty, annotations\[0\]/)
  })

  it('converts what is there and lists what is not', async () => {
    const set = await writeSet('holes')
    await rm(join(folder, 'holes', '5.png'))
    const out = join(folder, 'holes-yolo')
    const { code, err } = await boxlet(['dataset', 'convert', set, '--to', 'yolo', '--out', out])
    expect(code).toBe(1)
    expect(err).toMatch(/5\.png: .*picture-missing/)
    expect(await readdir(join(out, 'images', 'all'))).toHaveLength(5)
    const fatal = [
      'dataset',
      'convert',
      set,
      '--to',
      'yolo',
      '--out',
      join(folder, 'none'),
      '--problems',
      'fatal',
    ]
    expect((await boxlet(fatal)).code).toBe(3)
  })

  it('stops at a truncated picture when problems are fatal', async () => {
    const set = await writeSet('truncated')
    const path = join(folder, 'truncated', '5.png')
    const bytes = await readFile(path)
    await writeFile(path, bytes.subarray(0, bytes.length - 30))
    const { code, out, err } = await boxlet(['dataset', 'stats', set, '--problems', 'fatal'])
    expect({ code, out }).toEqual({ code: 3, out: '' })
    expect(err).toMatch(/5\.png: .*picture-/)
    expect((await boxlet(['dataset', 'stats', set])).code).toBe(1)
  })

  it('refuses shares that do not sum to one', async () => {
    const args = ['dataset', 'split', data, '--parts', 'train=0.7,val=0.7', '--out', join(folder, 'too-much')]
    const { code, err } = await boxlet(args)
    expect(code).toBe(2)
    expect(err).toMatch(/sum to 1.* 1\.4/)
  })

  it('divides a set and brings it into another format', async () => {
    const out = join(folder, 'parts')
    const { code } = await boxlet([
      'dataset',
      'split',
      data,
      '--parts',
      'train=4,val=2',
      '--to',
      'voc',
      '--out',
      out,
    ])
    expect(code).toBe(0)
    const lists = await Promise.all(
      ['train', 'val'].map((name) => readFile(join(out, 'ImageSets', 'Main', `${name}.txt`), 'utf8')),
    )
    expect(lists.map((list) => list.trim().split('\n').length)).toEqual([4, 2])
    const view = join(folder, 'view.html')
    await boxlet(['dataset', 'view', out, '--split', 'val', '--out', view])
    expect((await readFile(view, 'utf8')).match(/<figure>/g)).toHaveLength(2)
  })
})

describe.skipIf(!hasCorpus)('boxlet eval on real data', () => {
  it('comes within 0.005 of the reference of a RetinaNet on its VOC test split', async () => {
    const args = [
      'eval',
      corpusPath('models/retinanet-bccd-320-torchvision.onnx'),
      '--data',
      corpusPath('voc/bccd'),
    ]
    const labels = ['--labels', corpusPath('models/retinanet-bccd-320-torchvision.class_map.json')]
    const { out } = await boxlet([...args, ...labels, '--format', 'json', '--jobs', '1'])
    const { stats, dataset } = JSON.parse(out)
    expect(dataset.pictures).toBe(35)
    expect(Math.abs(stats.ap - 0.4677)).toBeLessThan(0.005)
    expect(Math.abs(stats.ap50 - 0.7759)).toBeLessThan(0.005)
  })

  it('gives the same numbers from workers as from one detector', async () => {
    const args = [
      'eval',
      corpusPath('models/deimv2-atto-320.onnx'),
      '--data',
      corpusPath('coco'),
      '--limit',
      '33',
    ]
    const [one, two] = await Promise.all(
      ['1', '2'].map((jobs) => boxlet([...args, '--jobs', jobs, '--no-reuse', '--format', 'json'])),
    )
    expect(JSON.parse(two!.out).speed.jobs).toBe(2)
    expect(JSON.parse(two!.out).stats).toEqual(JSON.parse(one!.out).stats)
  })

  it('stops when told and goes on from there', async () => {
    const env = { BOXLET_CACHE: join(folder, 'cache-stop') }
    const args = [
      'eval',
      corpusPath('models/fastestdet-352.onnx'),
      '--data',
      corpusPath('coco'),
      '--limit',
      '30',
      '--jobs',
      '1',
    ]
    const stop = new AbortController()
    const kept = join(folder, 'cache-stop', 'evaluations')
    const watch = setInterval(async () => {
      const [name] = await readdir(kept).catch(() => [])
      if (name !== undefined && (await readFile(join(kept, name), 'utf8')).split('\n').length > 3) {
        stop.abort()
      }
    }, 5)
    const first = await boxlet(args, { env, signal: stop.signal }).finally(() => clearInterval(watch))
    expect(first.code).toBe(1)
    expect(first.err).toMatch(/goes on from there/)
    const second = await boxlet([...args, '--format', 'json'], { env })
    expect(second.code).toBe(0)
    expect(JSON.parse(second.out).speed.cached).toBeGreaterThan(2)
  })
})
