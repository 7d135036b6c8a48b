/**
 * Models of strangers, read without a word from the user: how many are right, refused or wrong, as Markdown.
 *
 *     npm run build && node bench/strangers.js [--corpus DIR] [--list]
 *
 * Judged are the files of the corpus (boxes as its manifest notes them) and of its folder `wild` (boxes of a decoder
 * written from the published one, or those that several models agree on). `--list` gives a line for each file.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { iou } from '../dist/boxes/iou.js'
import { Detector } from '../dist/detector/detector.js'

const { values } = parseArgs({
  options: { corpus: { type: 'string' }, list: { type: 'boolean', default: false } },
})
const corpus = [
  values.corpus,
  process.env.BOXLET_CORPUS,
  resolve(import.meta.dirname, '../../shared/corpus'),
].find((folder) => folder !== undefined && existsSync(resolve(folder, 'MANIFEST.json')))
if (corpus === undefined) {
  console.error('Expected the test corpus but found none. Name its folder with --corpus or BOXLET_CORPUS.')
  process.exit(2)
}
const at = (...path) => resolve(corpus, ...path)
const json = (path) => JSON.parse(readFileSync(path, 'utf8'))
const golden = json(resolve(import.meta.dirname, '../test/golden/strangers.json'))

/** Decoders differ in how they reduce a picture; a wrong reading shares nothing with the right one. */
const LEAST_OVERLAP = 0.5
/** Rough notes have a box more or less; half of them by chance would be a wonder. */
const LEAST_SHARE = 0.8
const NOTED_SCORE = 0.5

const scenes = (name) =>
  existsSync(at('wild/pictures', name)) ? at('wild/pictures', name) : at('images/scenes', name)

/** Boxes expected of one file, by picture; empty where there are none to judge by. */
function wildFile(name) {
  const folder = at('wild', name)
  const file = readdirSync(folder).find((entry) => /\.(onnx|tflite)$/.test(entry))
  const path = resolve(folder, 'expected.json')
  const boxes = existsSync(path)
    ? Object.entries(json(path).pictures).map(([picture, found]) => [
        scenes(picture),
        found.map(({ box }) => box),
      ])
    : Object.entries(golden.agreed[name] ?? {}).map(([picture, found]) => [scenes(picture), found])
  return { name, path: resolve(folder, file), boxes, isDetector: golden.notDetectors[name] === undefined }
}

function corpusFile({ file, labels, observed, observedVoc }) {
  const notes = Object.entries(observed ?? observedVoc ?? {})
  const boxes = notes.map(([picture, found]) => [
    observed ? scenes(picture) : at('voc/bccd/JPEGImages', `${picture}.jpg`),
    found.filter(({ score }) => score >= NOTED_SCORE).map(({ box }) => box),
  ])
  const isDetector = !file.includes('nms-stage')
  return { name: file.replace('models/', ''), path: at(file), boxes, isDetector, labels }
}

/** The option that a message names, as parts of a contract: `--set input.colour=RGB`, `--family yolov8`. */
function namedFlag({ message, hint }) {
  const text = `${message} ${hint ?? ''}`
  const family = /--family ([a-z0-9-]+)/.exec(text)?.[1]
  const [, path, value] = /--set '?([\w.]+)=([^\s'"]+)/.exec(text) ?? []
  if (path === undefined) {
    return family === undefined ? undefined : { family }
  }
  const parsed = /^[[{\d-]/.test(value) ? JSON.parse(value) : value
  return path.split('.').reduceRight((inner, key) => ({ [key]: inner }), parsed)
}

/** Without a flag; then, should it be refused with a message that names one, with that. */
async function judge(file) {
  const [kind, why, error] = await judgeWith(file, {})
  const contract = kind === 'refused' && error !== undefined ? namedFlag(error) : undefined
  if (contract === undefined) {
    return [kind, why]
  }
  const [again, because] = await judgeWith(file, { contract })
  return again === 'right' ? ['flag', because] : [again === 'wrong' ? 'wrong' : kind, why]
}

async function judgeWith({ path, boxes, isDetector }, options) {
  let detector
  try {
    detector = await Detector.load(path, options)
  } catch (error) {
    if (!isDetector) {
      return ['refused', 'is no detector']
    }
    return ['refused', error.message, error]
  }
  try {
    if (!isDetector) {
      return ['wrong', `taken for ${detector.model.family}`]
    }
    let expected = 0
    let met = 0
    for (const [picture, wanted] of boxes) {
      const { detections } = await detector.detect(readFileSync(picture), { minScore: 0.2 })
      for (const [x1, y1, x2, y2] of wanted) {
        expected++
        met += detections.some(({ box }) => iou(box, { x1, y1, x2, y2 }) > LEAST_OVERLAP) ? 1 : 0
      }
    }
    if (expected === 0) {
      return ['unjudged', detector.model.family]
    }
    return [
      met >= LEAST_SHARE * expected ? 'right' : 'wrong',
      `${detector.model.family}: ${met} of ${expected} boxes`,
    ]
  } catch (error) {
    return ['refused', error.message, error]
  } finally {
    await detector.dispose()
  }
}

const sets = {
  'corpus (published weights)': json(at('MANIFEST.json')).models.map(corpusFile),
  'wild (met in public)': readdirSync(at('wild'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'pictures')
    .map(({ name }) => wildFile(name)),
}
const KINDS = ['right', 'flag', 'refused', 'unjudged', 'wrong']
console.log(
  '| files | count | right without a flag | right after one flag that the message names | refused by name | runs, nothing to judge by | wrong |',
)
console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: |')
const lines = []
for (const [set, files] of Object.entries(sets)) {
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, 0]))
  for (const file of files) {
    const [kind, why] = await judge(file)
    counts[kind]++
    lines.push(`${kind.padEnd(8)} ${file.name}: ${why}`)
  }
  console.log(`| ${set} | ${files.length} | ${KINDS.map((kind) => counts[kind]).join(' | ')} |`)
}
if (values.list) {
  console.log(`\n${lines.join('\n')}`)
}
