// A quantized file against the float file that it was made from: the runs alone, the whole path, and a plain handler.
//
//   npm run build && node bench/quantize.js FLOAT QUANTIZED [--rounds N] [--folder DIR] [--pictures N]
//
// One thread. Medians of processor milliseconds, taken in turn; ratios within each round. Images per dollar are the
// list price of x86_64 at 1024 MB, warm, duration and requests, with the share of a processor that this memory gives.
import { readdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import ort from 'onnxruntime-node'
import sharp from 'sharp'
import { PRICES } from '../dist/aws/cost/prices.js'
import { fitPicture } from '../dist/detector/fit.js'
import { Detector } from '../dist/index.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    folder: { type: 'string' },
    pictures: { type: 'string', default: '16' },
  },
})
const [floatFile, quantizedFile] = positionals
const pictures = readdirSync(values.folder)
  .filter((name) => /\.(jpe?g|png)$/i.test(name))
  .sort()
  .slice(0, Number(values.pictures))
  .map((name) => readFileSync(join(values.folder, name)))

sharp.concurrency(1)
const load = (file, asIs) => Detector.load(file, { threads: 1, asIs })
const [float, quantized] = [await load(floatFile, false), await load(quantizedFile, false)]
const [floatAsIs, quantizedAsIs] = [await load(floatFile, true), await load(quantizedFile, true)]
const plain = await plainHandler(floatFile, float.model.contract.input)
const samples = []
for (let round = -1; round < Number(values.rounds); round++) {
  for (const bytes of pictures) {
    const sample = {}
    const { image } = await timed(sample, 'whole path, quantized', () => quantized.detect(bytes))
    await timed(sample, 'whole path, float', () => float.detect(bytes))
    await timed(sample, 'plain handler, float', () => plain(bytes))
    await timed(sample, 'run alone, float, file as it is', runAlone(floatAsIs, image))
    await timed(sample, 'run alone, quantized, file as it is', runAlone(quantizedAsIs, image))
    await timed(sample, 'run alone, float, as Boxlet runs it', runAlone(float, image))
    await timed(sample, 'run alone, quantized, as Boxlet runs it', runAlone(quantized, image))
    if (round >= 0) {
      samples.push(sample)
    }
  }
}
console.log(`${float.model.name}, ${pictures.length} pictures × ${values.rounds} rounds, 1 thread`)
console.log(`${cpus()[0].model}, ${cpus().length} processors visible, Node ${process.version}\n`)
for (const name of Object.keys(samples[0])) {
  console.log(`${name.padEnd(42)} ${median(samples.map((sample) => sample[name])).toFixed(1)} ms`)
}
console.log()
for (const [a, b] of [
  ['run alone, quantized, file as it is', 'run alone, float, file as it is'],
  ['run alone, quantized, as Boxlet runs it', 'run alone, float, as Boxlet runs it'],
  ['whole path, quantized', 'whole path, float'],
  ['whole path, quantized', 'plain handler, float'],
  ['whole path, float', 'plain handler, float'],
  ['whole path, float', 'run alone, float, as Boxlet runs it'],
]) {
  console.log(`${median(samples.map((sample) => sample[a] / sample[b])).toFixed(3)}  ${a} / ${b}`)
}
console.log()
for (const name of ['whole path, float', 'whole path, quantized']) {
  const seconds = median(samples.map((sample) => sample[name])) / 1000 / (1024 / 1769)
  const dollars = seconds * PRICES.lambda.duration.x86_64[0].price + PRICES.lambda.request
  console.log(`${Math.round(1 / dollars)} images per dollar, ${name}, on a processor as this one`)
}

function runAlone(detector, image) {
  const { input } = detector.runs
  const { width, height } = fitPicture(image, detector.runs).input
  const nchw = input.layout === 'NCHW'
  const length = 3 * width * height
  const data = input.dtype === 'uint8' ? new Uint8Array(length).fill(90) : new Float32Array(length).fill(0.35)
  const dims = nchw ? [1, 3, height, width] : [1, height, width, 3]
  const feeds = new Map([[input.name, { type: input.dtype, dims, data }]])
  return () => detector.infer(feeds)
}

/** As blog posts write it: sharp's defaults with `contain`, floats and a full scan of the boxes in JavaScript. */
async function plainHandler(file, { name, size, std }) {
  const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 1 })
  const { width, height } = size
  return async (bytes) => {
    const raw = await sharp(bytes).resize(width, height, { fit: 'contain' }).removeAlpha().raw().toBuffer()
    const count = width * height
    const data = new Float32Array(3 * count)
    for (let at = 0; at < count; at++) {
      data[at] = raw[3 * at] / std[0]
      data[at + count] = raw[3 * at + 1] / std[1]
      data[at + 2 * count] = raw[3 * at + 2] / std[2]
    }
    const result = await session.run({ [name]: new ort.Tensor('float32', data, [1, 3, height, width]) })
    const output = result[session.outputNames[0]]
    let best = 0
    for (const value of output.data) {
      best = value > best ? value : best
    }
    return best
  }
}

async function timed(sample, name, work) {
  const before = process.cpuUsage()
  const result = await work()
  const { user, system } = process.cpuUsage(before)
  sample[name] = (user + system) / 1000
  return result
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]
}
