import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { Annotation, Dataset } from '../datasets/dataset.ts'
import { type CocoStats, evaluateCoco } from './coco.ts'
import { matchResults } from './match-results.ts'
import { evaluationInput, parseCocoResults } from './predictions.ts'
import { evaluateVoc } from './voc-ap.ts'

/**
 * Stored numbers of pycocotools on real detections of three models over 95 pictures of COCO, and on made-up
 * boxes that meet every branch. test/golden/coco-eval/README.md says how they were made.
 */
const folder = resolve(import.meta.dirname, '../../test/golden/coco-eval')
const load = (name: string) => JSON.parse(gunzipSync(readFileSync(resolve(folder, name))).toString())
const expected: Record<string, Reference> = JSON.parse(
  readFileSync(resolve(folder, 'expected.golden.json'), 'utf8'),
)
const sets: Record<string, string> = {
  yolov8n: 'truth.json.gz',
  'yolox-nano': 'truth.json.gz',
  'deimv2-atto': 'truth.json.gz',
  hard: 'hard-truth.json.gz',
}

interface Reference {
  stats: number[]
  classes: Record<string, { ap: number; ap50: number; ap75: number; ar100: number }>
}

interface CocoFile {
  categories: { id: number; name: string }[]
  images: { id: number; file_name: string; width: number; height: number }[]
  annotations: Record<string, number & number[]>[]
}

/** The file as it is, without the reader's checks: the made-up boxes leave their pictures on purpose. */
function dataset(name: string): Dataset {
  const file: CocoFile = load(name)
  const byId = (a: { id: number }, b: { id: number }) => a.id - b.id
  const annotations = file.annotations.map((entry): Annotation => {
    const [x, y, width, height] = entry.bbox as unknown as [number, number, number, number]
    return {
      id: entry.id!,
      imageId: entry.image_id!,
      categoryId: entry.category_id!,
      box: { x, y, width, height },
      area: entry.area!,
      crowd: entry.iscrowd! === 1,
      difficult: false,
    }
  })
  const images = file.images.map((image) => ({ ...image, fileName: image.file_name, path: '' })).sort(byId)
  const categories = file.categories.sort(byId)
  return { name, format: 'coco', categories, images, annotations, problems: [], notes: [] }
}

const evaluate = (model: string) => {
  const set = dataset(sets[model]!)
  const results = parseCocoResults(load(`${model}.json.gz`), model)
  return { set, metrics: evaluateCoco(evaluationInput(set, matchResults(results, set))) }
}

const inOrder = (stats: CocoStats): number[] => [
  stats.ap,
  stats.ap50,
  stats.ap75,
  stats.apSmall,
  stats.apMedium,
  stats.apLarge,
  stats.ar1,
  stats.ar10,
  stats.ar100,
  stats.arSmall,
  stats.arMedium,
  stats.arLarge,
]

function expectEqual(model: string, reference: Reference): void {
  const { set, metrics } = evaluate(model)
  inOrder(metrics.stats).forEach((value, i) => {
    expect(Math.abs(value - reference.stats[i]!), `${model} number ${i}`).toBeLessThan(1e-9)
  })
  metrics.classes.forEach((found, i) => {
    const wanted = reference.classes[set.categories[i]!.id]!
    for (const name of ['ap', 'ap50', 'ap75', 'ar100'] as const) {
      expect(
        Math.abs(found[name] - wanted[name]),
        `${model} ${set.categories[i]!.name} ${name}`,
      ).toBeLessThan(1e-9)
    }
  })
}

function hasPycocotools(): boolean {
  try {
    execFileSync(python, ['-c', 'import pycocotools'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
const python = process.env.BOXLET_TEST_PYTHON ?? 'python3'

describe('COCO metrics', () => {
  it.each(Object.keys(sets))('equal the stored numbers of pycocotools for %s', (model) => {
    expectEqual(model, expected[model]!)
  })

  it('give the reference values of yolov8n on the 95 pictures', () => {
    const rounded = inOrder(evaluate('yolov8n').metrics.stats).map((value) => Number(value.toFixed(4)))
    expect(rounded).toEqual([
      0.4312, 0.5902, 0.4648, 0.226, 0.4417, 0.5779, 0.3668, 0.5673, 0.6154, 0.3721, 0.6286, 0.7614,
    ])
  })

  it.runIf(hasPycocotools()).each(Object.keys(sets))('equal pycocotools itself for %s', (model) => {
    const script = resolve(import.meta.dirname, '../../test/python/coco-reference.py')
    const args = [script, sets[model]!, `${model}.json.gz`]
    const reference: Reference = JSON.parse(
      execFileSync(python, args, { cwd: folder, maxBuffer: 2 ** 26 }).toString(),
    )
    expectEqual(model, reference)
  })

  it('count objects, hits, misses and ignored detections of a class', () => {
    const { metrics } = evaluate('hard')
    for (const { counts } of metrics.classes) {
      expect(counts.truePositives + counts.falseNegatives).toBe(counts.truths)
      expect(counts.truePositives + counts.falsePositives + counts.ignoredDetections).toBe(counts.detections)
    }
  })

  it('give −1 for classes without ground truth and leave them out of the means', () => {
    const { metrics } = evaluate('hard')
    expect(metrics.classes.map((entry) => entry.counts.truths > 0)).toEqual(
      metrics.classes.map((entry) => entry.ap >= 0),
    )
    expect(metrics.classes.some((entry) => entry.ap === -1)).toBe(true)
  })
})

describe('VOC AP50', () => {
  const stored: Record<string, { ap11: number; apContinuous: number }> = JSON.parse(
    readFileSync(resolve(folder, 'voc.golden.json'), 'utf8'),
  )

  it.each(Object.keys(sets))('equals the stored numbers of the VOCdevkit for %s', (model) => {
    const results = parseCocoResults(load(`${model}.json.gz`), model)
    const set = dataset(sets[model]!)
    const { ap11, apContinuous } = evaluateVoc(evaluationInput(set, matchResults(results, set)))
    expect(Math.abs(ap11 - stored[model]!.ap11)).toBeLessThan(1e-9)
    expect(Math.abs(apContinuous - stored[model]!.apContinuous)).toBeLessThan(1e-9)
  })
})
