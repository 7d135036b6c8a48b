/**
 * Accuracy of every model of the test corpus, beside what a reference decoder in Python gives, as Markdown.
 *
 *     npm run accuracy            (npm run build, then this file)
 *     node bench/accuracy.js [--corpus DIR] [--jobs N]
 *
 * Three tables: yolov8n, s and m on the corpus' COCO pictures against the reference of OpenCV and pycocotools;
 * the corpus' own models on the same pictures; the two RetinaNets on the test split of BCCD. Results are kept, so
 * a second run takes seconds.
 */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { parseArgs } from 'node:util'
import { main } from '../dist/cli/main.js'

const { values } = parseArgs({ options: { corpus: { type: 'string' }, jobs: { type: 'string' } } })
const corpus = [
  values.corpus,
  process.env.BOXLET_CORPUS,
  resolve(import.meta.dirname, '../../shared/corpus'),
].find((folder) => folder !== undefined && existsSync(resolve(folder, 'MANIFEST.json')))
if (corpus === undefined) {
  console.error('Expected the test corpus but found none. Name its folder with --corpus or BOXLET_CORPUS.')
  process.exit(2)
}
const manifest = JSON.parse(readFileSync(resolve(corpus, 'MANIFEST.json'), 'utf8'))
const at = (path) => resolve(corpus, path)

/** OpenCV bilinear letterbox, 640 square, scores from 0.001, suppression per class, 300 boxes, pycocotools. */
const REFERENCE = [
  ['yolov8n', '0.7', 0.4312],
  ['yolov8s', '0.7', 0.487],
  ['yolov8m', '0.7', 0.561],
  ['yolov8n', '0.45', 0.42],
  ['yolov8n', '0.7', 0.4312, '--as-is'],
  ['yolov8s', '0.7', 0.487, '--as-is'],
  ['yolov8m', '0.7', 0.561, '--as-is'],
]

/** Runs `boxlet eval` inside this process and gives its JSON, or the error line. */
async function evaluate(args) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const [out, err] = [[], []]
  stdout.on('data', (part) => out.push(part))
  stderr.on('data', (part) => err.push(part))
  const jobs = values.jobs === undefined ? [] : ['--jobs', values.jobs]
  const code = await main(['eval', ...args, ...jobs, '--format', 'json'], {
    stdout,
    stderr,
    stdin: Readable.from([]),
    env: process.env,
    signal: new AbortController().signal,
  })
  if (code > 1) {
    return { error: Buffer.concat(err).toString().trim().split('\n').at(-1) }
  }
  return JSON.parse(Buffer.concat(out).toString())
}

const number = (value) => (value === undefined || value < 0 ? '–' : value.toFixed(4))
const signed = (value) =>
  value === undefined ? '–' : `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`
const row = (cells) => console.log(`| ${cells.join(' | ')} |`)

function head(cells) {
  row(cells)
  row(cells.map((_, i) => (i === 0 ? '---' : '---:')))
}

async function line(name, args, reference, more = []) {
  const { error, stats } = await evaluate(args)
  if (error !== undefined) {
    return row([name, ...more, error, '', '', '', '', '', number(reference), ''])
  }
  const { ap, ap50, apSmall, apMedium, apLarge, ar100 } = stats
  const cells = [ap, ap50, apSmall, apMedium, apLarge, ar100].map(number)
  const difference = reference === undefined ? undefined : ap - reference
  row([name, ...more, ...cells, number(reference), signed(difference)])
}

const COLUMNS = ['AP', 'AP50', 'small', 'medium', 'large', 'AR 100', 'reference AP', 'difference']
const coco = ['--data', at('coco/instances_val2017_subset.json')]

console.log(`COCO, ${manifest.coco.images} pictures, models of the catalogue:\n`)
head(['model', 'suppression IoU', ...COLUMNS])
for (const [name, iou, reference, ...flags] of REFERENCE) {
  await line([name, ...flags].join(' '), [name, ...coco, '--iou', iou, ...flags], reference, [iou])
}

console.log('\nCOCO, the same pictures, models of the test corpus:\n')
head(['model', ...COLUMNS])
const NOT_COCO = /face|yunet|retinanet|nms-stage/
for (const { file, cocoSubset } of manifest.models.filter((model) => !NOT_COCO.test(model.file))) {
  await line(file.replace('models/', ''), [at(file), ...coco], cocoSubset?.ap)
}

console.log('\nBCCD, test split, 35 pictures:\n')
head(['model', ...COLUMNS])
for (const { file, vocTest } of manifest.models.filter((model) => model.vocTest !== undefined)) {
  const labels = ['--labels', at(file.replace('.onnx', '.class_map.json'))]
  await line(
    file.replace('models/', ''),
    [at(file), '--data', at('voc/bccd'), '--split', 'test', ...labels],
    vocTest.ap,
  )
}

const faces = manifest.models
  .map(({ file }) => file.replace('models/', ''))
  .filter((file) => /face|yunet/.test(file))
console.log(`\nNot measured, since the corpus has no pictures with labelled faces: ${faces.join(', ')}.`)
console.log('nms-stage-yolov8.onnx is a stage after a detector and finds nothing by itself.')
