import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { corpusPath, hasCorpus } from '../../test/support/corpus.ts'
import { areaOfRuns, runsOfMask, runsOfPolygon } from '../boxes/runs.ts'
import { readCoco } from '../datasets/coco.ts'
import { outlineRuns } from '../datasets/outline.ts'
import { encodeRle } from '../formats/rle.ts'
import type { CocoStats } from './coco.ts'
import { matchResults } from './match-results.ts'
import { parseCocoResults } from './predictions.ts'
import { evaluateShapes } from './shapes.ts'

const folder = mkdtempSync(join(tmpdir(), 'boxlet-shapes-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const python = process.env.BOXLET_TEST_PYTHON ?? 'python3'
function hasPycocotools(): boolean {
  try {
    execFileSync(python, ['-c', 'import pycocotools'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Numbers from 0 to 1 that are the same in every run. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const PICTURES = 12
const SIZE = { width: 90, height: 70 }

interface Made {
  images: { id: number; width: number; height: number }[]
  categories: object[]
  annotations: Record<string, unknown>[]
  results: Record<string, unknown>[]
}

const codeOf = (runs: ArrayLike<number>) => {
  const data = new Uint8Array(SIZE.width * SIZE.height)
  let at = 0
  for (let i = 0; i < runs.length; i++) {
    for (let end = at + runs[i]!; at < end; at++) {
      data[(at % SIZE.height) * SIZE.width + Math.floor(at / SIZE.height)] = i % 2
    }
  }
  return encodeRle({ left: 0, top: 0, ...SIZE, data }, SIZE)
}

/** Polygons, holes, crowds as run lengths, people with and without points; and results that are more or less right. */
function made(): Made {
  const next = numbers(7)
  const set: Made = {
    images: Array.from({ length: 8 }, (_, i) => ({ id: i + 1, file_name: `${i}.png`, ...SIZE })),
    categories: [
      { id: 1, name: 'person' },
      { id: 3, name: 'car' },
    ],
    annotations: [],
    results: [],
  }
  for (let id = 1; id <= 90; id++) {
    const [cx, cy] = [next() * 90, next() * 70]
    const radius = 3 + next() ** 2 * 55
    const outline = (shift: number, corners: number) =>
      Array.from({ length: corners }, (_, i) => {
        const angle = (2 * Math.PI * i) / corners
        const r = radius * (0.5 + next())
        return [cx + shift + Math.cos(angle) * r, cy + shift + Math.sin(angle) * r]
      }).flat()
    const polygons = [outline(0, 3 + Math.floor(next() * 6)), ...(next() < 0.2 ? [outline(12, 4)] : [])]
    const runs = outlineRuns(polygons, SIZE)
    const crowd = next() < 0.1
    const count = next() < 0.15 ? 0 : 1 + Math.floor(next() * 17)
    const points = Array.from({ length: 17 }, (_, i) =>
      i < count
        ? [cx + (next() - 0.5) * radius, cy + (next() - 0.5) * radius, 1 + Math.floor(next() * 2)]
        : [0, 0, 0],
    )
    const shared = { image_id: 1 + Math.floor(next() * 8), category_id: next() < 0.7 ? 1 : 3 }
    const whole = { size: [SIZE.height, SIZE.width], counts: Array.from(runs) }
    set.annotations.push({
      id,
      ...shared,
      segmentation: crowd ? (id % 2 ? whole : codeOf(runs)) : polygons,
      bbox: [cx - radius, cy - radius, 2 * radius, 2 * radius],
      area: Math.max(1, areaOfRuns(runs)) * (next() < 0.5 ? 1 : 12),
      iscrowd: crowd ? 1 : 0,
      keypoints: points.flat(),
      num_keypoints: count,
    })
    for (let copy = Math.floor(next() * 4); copy > 0; copy--) {
      const noise = next() ** 2 * radius
      const moved = polygons.map((polygon) => polygon.map((value) => value + (next() - 0.5) * noise))
      set.results.push({
        ...(next() < 0.9 ? shared : { ...shared, category_id: 3 }),
        score: Math.round(next() * 50) / 50,
        segmentation: codeOf(outlineRuns(moved, SIZE)),
        keypoints: points.flatMap(([x, y]) => [
          x! + (next() - 0.5) * noise,
          y! + (next() - 0.5) * noise,
          next(),
        ]),
      })
    }
  }
  return set
}

/** Results of Boxlet's reader hold a box, which neither measure looks at. */
const withBoxes = (results: Made['results']) => results.map((entry) => ({ bbox: [0, 0, 1, 1], ...entry }))

async function measured(annotations: string, results: Made['results']) {
  const dataset = await readCoco(annotations, { problems: 'keep' })
  return {
    dataset,
    ...evaluateShapes(dataset, matchResults(parseCocoResults(withBoxes(results), 'x'), dataset)),
  }
}

function reference(kind: 'segm' | 'keypoints', annotations: string, results: object[]) {
  const path = join(folder, `results-${kind}.json`)
  writeFileSync(path, JSON.stringify(results))
  const script = resolve(import.meta.dirname, '../../test/python/coco-shapes.py')
  const text = execFileSync(python, [script, kind, annotations, path], { maxBuffer: 2 ** 28 }).toString()
  return JSON.parse(text) as { stats: number[]; counts: Record<string, string> }
}

const masksInOrder = (s: CocoStats) => [
  ...[s.ap, s.ap50, s.ap75, s.apSmall, s.apMedium, s.apLarge],
  ...[s.ar1, s.ar10, s.ar100, s.arSmall, s.arMedium, s.arLarge],
]
const pointsInOrder = (s: CocoStats) => [s.ap, s.ap50, s.ap75, s.apMedium, s.apLarge, s.ar100]

const expectNear = (ours: readonly number[], theirs: readonly number[]) => {
  for (const [i, value] of ours.entries()) {
    expect(Math.abs(value - theirs[i]!), `number ${i}: ${value} and ${theirs[i]}`).toBeLessThan(1e-9)
  }
}

const set = made()
const annotations = join(folder, 'made.json')
const { results, ...truth } = set
writeFileSync(annotations, JSON.stringify(truth))

describe('masks and key points', () => {
  it.runIf(hasPycocotools())('of a made set equal pycocotools', async () => {
    const { masks, keypoints } = await measured(annotations, results)
    expect(masks!.ap).toBeGreaterThan(0.05)
    expect(keypoints!.ap).toBeGreaterThan(0.05)
    const only = (name: string) =>
      results.map(({ [name]: kept, image_id, category_id, score }) => ({
        image_id,
        category_id,
        score,
        [name]: kept,
      }))
    expectNear(masksInOrder(masks!), reference('segm', annotations, only('segmentation')).stats)
    const { stats } = reference('keypoints', annotations, only('keypoints'))
    expectNear(pointsInOrder(keypoints!), [...stats.slice(0, 5), stats[5]!])
    expectNear([keypoints!.arMedium, keypoints!.arLarge], stats.slice(8, 10))
  })

  it.runIf(hasPycocotools() && hasCorpus)(
    'of real outlines equal pycocotools, and so does each outline',
    async () => {
      const json = JSON.parse(readFileSync(corpusPath('coco/instances_val2017_subset.json'), 'utf8')) as Made
      // A few pictures take a second, all of them half a minute.
      const images = json.images.slice(0, PICTURES)
      const ids = new Set(images.map((image) => image.id))
      const few = json.annotations.filter(({ image_id }) => ids.has(image_id as number))
      const path = join(folder, 'real.json')
      writeFileSync(path, JSON.stringify({ ...json, images, annotations: few }))
      const next = numbers(11)
      const sizes = new Map(json.images.map((image) => [image.id, image]))
      const found = few
        .filter(({ iscrowd }) => iscrowd === 0)
        .map(({ image_id, category_id, segmentation }) => {
          const size = sizes.get(image_id as number)!
          const shift = next() * 8
          const moved = (segmentation as number[][]).map((polygon) => polygon.map((value) => value + shift))
          const counts = Array.from(outlineRuns(moved, size))
          return {
            image_id,
            category_id,
            score: next(),
            segmentation: { size: [size.height, size.width], counts },
          }
        })
      const { dataset, masks } = await measured(path, found)
      const compressed = found.map((entry) => ({ ...entry, segmentation: compress(entry.segmentation) }))
      const { stats, counts } = reference('segm', path, compressed)
      expectNear(masksInOrder(masks!), stats)
      let compared = 0
      for (const { id, imageId, segmentation } of dataset.annotations) {
        const size = sizes.get(imageId)!
        const ours = compress({
          size: [size.height, size.width],
          counts: Array.from(outlineRuns(segmentation!, size)),
        })
        expect(ours.counts, `annotation ${id}`).toBe(counts[id])
        compared++
      }
      expect(compared).toBeGreaterThan(50)
    },
  )

  it('are measured where both sides have them', async () => {
    const plain = results.map(({ segmentation: _, keypoints: __, ...entry }) => entry)
    const { masks, keypoints } = await measured(annotations, plain)
    expect([masks, keypoints]).toEqual([undefined, undefined])
    const perfect = truth.annotations
      .filter(({ iscrowd, num_keypoints }) => iscrowd === 0 && num_keypoints !== 0)
      .map(({ image_id, category_id, segmentation, keypoints: points }) => ({
        image_id,
        category_id,
        score: 0.9,
        segmentation: codeOf(outlineRuns(segmentation as number[][], SIZE)),
        keypoints: points,
      }))
    const best = await measured(annotations, perfect)
    expect(best.keypoints!.ap50).toBeGreaterThan(0.9)
    expect(best.masks!.ap50).toBeGreaterThan(0.7)
  })
})

describe('the pixels of an outline', () => {
  it('are those of a square', () => {
    const runs = runsOfPolygon([1, 1, 4, 1, 4, 3, 1, 3], { width: 6, height: 5 })
    const data = new Uint8Array(30)
    for (const [x, y] of [1, 2, 3].flatMap((column) => [1, 2].map((row) => [column, row] as const))) {
      data[y * 6 + x] = 1
    }
    expect(runs).toEqual(runsOfMask({ left: 0, top: 0, width: 6, height: 5, data }, { width: 6, height: 5 }))
  })
  it('of no points, of one, and of points far away, take no time', () => {
    const size = { width: 640, height: 480 }
    for (const points of [[], [1, 1], [0, 0, 1e12, 1e12, 0, 5], [Number.NaN, 0, 1, 1]]) {
      expect(areaOfRuns(runsOfPolygon(points, size))).toBe(0)
    }
  })
})

/** Run lengths as text; pycocotools takes lists of results in no other form. */
function compress({ size, counts }: { size: number[]; counts: number[] }) {
  let text = ''
  counts.forEach((count, i) => {
    let value = i > 2 ? count - counts[i - 2]! : count
    for (let more = true; more; ) {
      const bits = value & 0x1f
      value >>= 5
      more = bits & 0x10 ? value !== -1 : value !== 0
      text += String.fromCharCode((more ? bits | 0x20 : bits) + 48)
    }
  })
  return { size, counts: text }
}
