/**
 * Times of getting a picture into a tensor, by stage, against sharp's defaults (lanczos3, `contain`, colour
 * profile applied) followed by a plain loop to planar float. One thread of work, interleaved, medians.
 *
 *   npm run build && node bench/decode.js [--rounds 7] [PICTURES…]
 *
 * Without pictures it takes those of the corpus, found by BOXLET_CORPUS or beside the checkout.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { basename, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import sharp from 'sharp'
import { letterbox } from '../dist/boxes/letterbox.js'
import { decodeImage } from '../dist/image/decode/decode.js'
import { toPixels, toTensor } from '../dist/image/tensor.js'

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '7' }, size: { type: 'string', default: '640' } },
  allowPositionals: true,
})
const edge = Number(values.size)
const target = { width: edge, height: edge }
const geometry = {
  fit: 'letterbox',
  align: 'centre',
  rounding: 'round',
  pad: [114, 114, 114],
  resample: 'bilinear',
}
const input = {
  layout: 'NCHW',
  dtype: 'float32',
  colour: 'RGB',
  mean: [0, 0, 0],
  std: [255, 255, 255],
  geometry,
}
const floats = new Float32Array(edge * edge * 3)
const bytes = new Uint8Array(edge * edge * 3)

const corpus = process.env.BOXLET_CORPUS ?? resolve(import.meta.dirname, '../../shared/corpus')
const groups = positionals.length > 0 ? { given: positionals } : corpusGroups()

function corpusGroups() {
  if (!existsSync(corpus)) {
    throw new Error('Expected pictures as arguments, or a corpus, but received neither.')
  }
  const folder = resolve(corpus, 'coco/images')
  const coco = readdirSync(folder).slice(0, 24)
  return {
    'COCO, 24 pictures': coco.map((file) => resolve(folder, file)),
    'bus.jpg, 0.9 MP, profile': [resolve(corpus, 'images/scenes/bus.jpg')],
    'photo-13mp.jpg': [resolve(corpus, 'images/sizes/photo-13mp.jpg')],
  }
}

const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)]
const fitted = (image) => letterbox(image, target, geometry)

/** What a first version would do. */
async function sharpDefaults(file) {
  const pixels = await sharp(file)
    .resize({ ...target, fit: 'contain', background: { r: 114, g: 114, b: 114 } })
    .removeAlpha()
    .raw()
    .toBuffer()
  const plane = edge * edge
  const out = new Float32Array(plane * 3)
  for (let i = 0; i < plane; i++) {
    out[i] = pixels[i * 3] / 255
    out[plane + i] = pixels[i * 3 + 1] / 255
    out[2 * plane + i] = pixels[i * 3 + 2] / 255
  }
  return out
}

const stages = {
  'sharp defaults to tensor': async (file) => sharpDefaults(file),
  'Boxlet to float32 NCHW': async (file) => {
    const { pixels, size } = await decodeImage(file, { shrinkTo: (image) => fitted(image).content })
    toTensor(pixels, fitted(size), input, floats)
  },
  'Boxlet to uint8 NHWC': async (file) => {
    const { pixels, size } = await decodeImage(file, { shrinkTo: (image) => fitted(image).content })
    toPixels(pixels, fitted(size), geometry, bytes)
  },
  '  sharp raw decode': (file) => sharp(file).raw().toBuffer(),
  '  decodeImage': (file) => decodeImage(file),
  '  decodeImage, shrinkTo': (file) => decodeImage(file, { shrinkTo: (image) => fitted(image).content }),
  '  toTensor': async (_file, pixels) => toTensor(pixels, fitted(pixels), input, floats),
  '  toPixels': async (_file, pixels) => toPixels(pixels, fitted(pixels), geometry, bytes),
}

console.log(
  `${cpus()[0].model}, node ${process.version}, input ${edge}, medians of ${values.rounds} rounds, ms`,
)
for (const [group, paths] of Object.entries(groups)) {
  const files = paths.map((path) => readFileSync(path))
  const whole = await Promise.all(files.map(async (file) => (await decodeImage(file)).pixels))
  const times = Object.fromEntries(Object.keys(stages).map((stage) => [stage, []]))
  for (let round = 0; round <= Number(values.rounds); round++) {
    for (let i = 0; i < files.length; i++) {
      for (const [stage, run] of Object.entries(stages)) {
        const start = performance.now()
        await run(files[i], whole[i])
        // The first round warms up.
        if (round > 0) {
          times[stage].push(performance.now() - start)
        }
      }
    }
  }
  const peer = median(times['sharp defaults to tensor'])
  console.log(`\n${group === 'given' ? paths.map((path) => basename(path)).join(', ') : group}`)
  for (const [stage, values] of Object.entries(times)) {
    const ms = median(values)
    console.log(`${stage.padEnd(28)} ${ms.toFixed(2).padStart(8)}   ${(ms / peer).toFixed(2)}`)
  }
}
