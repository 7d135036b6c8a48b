// The whole path of a picture against the runtime's own run, one thread, interleaved.
//
//   npm run build && node bench/detect.js [--model NAME|FILE] [--rounds N] [--folder DIR]
//
// Prints medians in milliseconds and ratios within each round, so that the drift of a shared machine cancels.
// Peers: the run alone of the file as it is, the run alone of the graph that Boxlet runs, and a plain handler as
// blog posts write it (sharp's defaults with `contain`, float conversion and box decoding in JavaScript, square).
import { readdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import ort from 'onnxruntime-node'
import sharp from 'sharp'
import { fitPicture } from '../dist/detector/fit.js'
import { Detector } from '../dist/index.js'

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'yolov8n' },
    rounds: { type: 'string', default: '3' },
    folder: { type: 'string', default: defaultFolder() },
    pictures: { type: 'string', default: '24' },
  },
})
const pictures = readdirSync(values.folder)
  .filter((name) => /\.(jpe?g|png)$/i.test(name))
  .sort()
  .slice(0, Number(values.pictures))
  .map((name) => readFileSync(join(values.folder, name)))

sharp.concurrency(1)
const options = { threads: 1 }
const detector = await Detector.load(values.model, options)
const asIs = await Detector.load(values.model, { ...options, asIs: true })
const plain = await plainHandler()
const samples = []
for (let round = -1; round < Number(values.rounds); round++) {
  for (const bytes of pictures) {
    const sample = {}
    const result = await timed(sample, 'boxlet', () => detector.detect(bytes))
    for (const [stage, ms] of Object.entries(result.timings)) {
      sample[`  ${stage}`] = ms
    }
    await timed(sample, 'run alone, graph as Boxlet runs it', runAlone(detector, result.image))
    await timed(sample, 'run alone, file as it is', runAlone(asIs, result.image))
    if (plain !== undefined) {
      await timed(sample, 'plain handler', () => plain(bytes))
    }
    // The first round warms every path up.
    if (round >= 0) {
      samples.push(sample)
    }
  }
}

console.log(`${values.model}, ${pictures.length} pictures × ${values.rounds} rounds, 1 thread`)
console.log(`${cpus()[0].model}, ${cpus().length} processors visible, Node ${process.version}\n`)
for (const name of Object.keys(samples[0])) {
  console.log(`${name.padEnd(36)} ${ms(median(samples.map((s) => s[name])))}`)
}
console.log()
for (const peer of ['run alone, graph as Boxlet runs it', 'run alone, file as it is', 'plain handler']) {
  if (samples[0][peer] === undefined) {
    continue
  }
  console.log(`boxlet / ${peer.padEnd(36)} ${median(samples.map((s) => s.boxlet / s[peer])).toFixed(3)}`)
}
await detector.dispose()
await asIs.dispose()

function defaultFolder() {
  const corpus = process.env.BOXLET_CORPUS ?? resolve(import.meta.dirname, '../../shared/corpus')
  const coco = join(corpus, 'coco/images')
  try {
    readdirSync(coco)
    return coco
  } catch {
    return resolve(import.meta.dirname, '../examples/pictures')
  }
}

async function timed(sample, name, work) {
  const start = performance.now()
  const result = await work()
  sample[name] = performance.now() - start
  return result
}

/** The graph on an input of the shape that this picture gets, without anything round it. */
function runAlone(which, image) {
  const feeds = new Map(
    which.tensors.inputs.map(({ name, type, shape }) => {
      const contract = which.runs
      const input = fitPicture(image, contract).input
      const channelsLast = contract.input.layout === 'NHWC'
      const dims = channelsLast ? [1, input.height, input.width, 3] : [1, 3, input.height, input.width]
      const length = input.height * input.width * 3
      return [
        name,
        {
          type,
          dims: shape.length === 4 ? dims : shape,
          data: type === 'uint8' ? new Uint8Array(length) : new Float32Array(length),
        },
      ]
    }),
  )
  return () => which.infer(feeds)
}

async function plainHandler() {
  if (detector.model.family !== 'yolov8') {
    return undefined
  }
  const { path } = await (await import('../dist/store/store.js')).resolveModel(values.model, {
    env: process.env,
  })
  const session = await ort.InferenceSession.create(path, { intraOpNumThreads: 1 })
  const edge = asIs.model.contract.input.size.width
  return async (bytes) => {
    const { data } = await sharp(bytes)
      .removeAlpha()
      .resize(edge, edge, { fit: 'contain' })
      .raw()
      .toBuffer({ resolveWithObject: true })
    const floats = new Float32Array(3 * edge * edge)
    for (let i = 0; i < edge * edge; i++) {
      for (let c = 0; c < 3; c++) {
        floats[c * edge * edge + i] = data[i * 3 + c] / 255
      }
    }
    const { [session.outputNames[0]]: output } = await session.run({
      [session.inputNames[0]]: new ort.Tensor('float32', floats, [1, 3, edge, edge]),
    })
    return plainBoxes(output)
  }
}

function plainBoxes(output) {
  const [, channels, predictions] = output.dims
  const found = []
  for (let i = 0; i < predictions; i++) {
    let best = 0
    let classId = 0
    for (let c = 4; c < channels; c++) {
      const score = output.data[c * predictions + i]
      if (score > best) {
        ;[best, classId] = [score, c - 4]
      }
    }
    if (best < 0.25) {
      continue
    }
    const [x, y, w, h] = [0, 1, 2, 3].map((k) => output.data[k * predictions + i])
    found.push({ classId, score: best, box: [x - w / 2, y - h / 2, x + w / 2, y + h / 2] })
  }
  return found.sort((a, b) => b.score - a.score)
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}
function ms(value) {
  return `${value.toFixed(2).padStart(8)} ms`
}
