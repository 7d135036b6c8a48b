/**
 * Metrics alone, without any model: 5,000 pictures with 100 detections each, against pycocotools on the same
 * machine. Both start from parsed boxes; reading the JSON is left out.
 *
 *     npm run build && node bench/evaluate.js [--pictures 5000] [--rounds 5]
 *
 * pycocotools runs through `python3` (BOXLET_TEST_PYTHON names another interpreter) and is left out, with a word,
 * where it cannot be imported.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { evaluateCoco } from '../dist/evaluate/coco.js'
import { matchResults } from '../dist/evaluate/match-results.js'
import { evaluationInput, parseCocoResults } from '../dist/evaluate/predictions.js'

const { values } = parseArgs({
  options: { pictures: { type: 'string', default: '5000' }, rounds: { type: 'string', default: '5' } },
})
const PICTURES = Number(values.pictures)
const ROUNDS = Number(values.rounds)
const DETECTIONS = 100
const CLASSES = 80
const python = process.env.BOXLET_TEST_PYTHON ?? 'python3'

/** Small generator with a fixed seed, so that every run measures the same boxes. */
function random(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Like COCO val2017: about 7 objects a picture, a few classes in each, half of the detections near objects. */
function makeSet() {
  const next = random(1)
  const whole = (limit) => Math.floor(next() * limit)
  const categories = Array.from({ length: CLASSES }, (_, i) => ({ id: i + 1, name: `class ${i + 1}` }))
  const images = []
  const annotations = []
  const results = []
  for (let id = 1; id <= PICTURES; id++) {
    images.push({ id, file_name: `${id}.jpg`, width: 640, height: 480 })
    const classes = Array.from({ length: 1 + whole(4) }, () => 1 + whole(CLASSES))
    const objects = Array.from({ length: whole(15) }, () => {
      const [w, h] = [8 + next() * 200, 8 + next() * 200]
      const bbox = [next() * (640 - w), next() * (480 - h), w, h]
      const category_id = classes[whole(classes.length)]
      return { image_id: id, category_id, bbox, area: w * h * 0.7, iscrowd: next() < 0.01 ? 1 : 0 }
    })
    for (const object of objects) {
      annotations.push({ id: annotations.length + 1, ...object })
    }
    for (let i = 0; i < DETECTIONS; i++) {
      const near = objects.length > 0 && next() < 0.5 ? objects[whole(objects.length)] : undefined
      const spread = (value, by) => value + (next() - 0.5) * by
      const bbox = near
        ? [
            spread(near.bbox[0], near.bbox[2] / 2),
            spread(near.bbox[1], near.bbox[3] / 2),
            near.bbox[2],
            near.bbox[3],
          ]
        : [next() * 500, next() * 400, 10 + next() * 100, 10 + next() * 60]
      const category_id = near && next() < 0.8 ? near.category_id : 1 + whole(CLASSES)
      results.push({ image_id: id, category_id, bbox, score: next() })
    }
  }
  return { truth: { info: {}, categories, images, annotations }, results }
}

function toDataset({ categories, images, annotations }) {
  return {
    name: 'bench',
    format: 'coco',
    categories,
    images: images.map((image) => ({ ...image, fileName: image.file_name, path: '' })),
    annotations: annotations.map(
      ({ id, image_id, category_id, bbox: [x, y, width, height], area, iscrowd }) => ({
        id,
        imageId: image_id,
        categoryId: category_id,
        box: { x, y, width, height },
        area,
        crowd: iscrowd === 1,
        difficult: false,
      }),
    ),
    problems: [],
    notes: [],
  }
}

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]

const set = makeSet()
const dataset = toDataset(set.truth)
const predictions = matchResults(parseCocoResults(set.results, 'bench'), dataset)
const folder = mkdtempSync(join(tmpdir(), 'boxlet-bench-'))
const own = []
const theirs = []
let stats
let reference
let left
try {
  writeFileSync(join(folder, 'truth.json'), JSON.stringify(set.truth))
  writeFileSync(join(folder, 'results.json'), JSON.stringify(set.results))
  const script = resolve(import.meta.dirname, '../test/python/coco-reference.py')
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    stats = evaluateCoco(evaluationInput(dataset, predictions)).stats
    own.push((performance.now() - start) / 1000)
    if (left !== undefined) {
      continue
    }
    try {
      execFileSync(python, ['-c', 'import pycocotools'], { stdio: 'ignore' })
    } catch {
      left = `pycocotools cannot be imported by ${python}, so it is left out`
      continue
    }
    const files = [join(folder, 'truth.json'), join(folder, 'results.json')]
    reference = JSON.parse(execFileSync(python, [script, ...files], { maxBuffer: 2 ** 28 }).toString())
    theirs.push(reference.seconds)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

const { model } = cpus()[0]
console.log(
  `${PICTURES} pictures × ${DETECTIONS} detections, ${set.truth.annotations.length} objects, ${CLASSES} classes`,
)
console.log(`${cpus().length} × ${model}, Node ${process.version}, ${ROUNDS} interleaved rounds, medians`)
console.log(`Boxlet       ${median(own).toFixed(2)} s   AP ${stats.ap.toFixed(6)}`)
if (theirs.length === 0) {
  console.log(left)
} else {
  console.log(`pycocotools  ${median(theirs).toFixed(2)} s   AP ${reference.stats[0].toFixed(6)}`)
  const ratios = own.map((seconds, i) => seconds / theirs[i])
  console.log(
    `ratio        ${median(ratios).toFixed(3)} (Boxlet / pycocotools), ${(1 / median(ratios)).toFixed(1)} times as fast`,
  )
}
