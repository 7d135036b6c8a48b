/**
 * Times of a TFLite model on its way into the runtime: conversion, opening the session, one run. One thread,
 * interleaved rounds, medians; the share is conversion over opening.
 *
 *   npm run build && node bench/convert.js [--rounds 7] [MODELS…]
 *
 * Without models it takes those of the corpus, found by BOXLET_CORPUS or beside the checkout.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { basename, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { tfliteToOnnx } from '../dist/tflite/tflite.js'

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '7' } },
  allowPositionals: true,
})
const rounds = Number(values.rounds)
const corpus = process.env.BOXLET_CORPUS ?? resolve(import.meta.dirname, '../../shared/corpus')
const paths = positionals.length > 0 ? positionals : corpusModels()

function corpusModels() {
  if (!existsSync(corpus)) {
    throw new Error('Expected models as arguments, or a corpus, but received neither.')
  }
  const folder = resolve(corpus, 'models')
  return readdirSync(folder)
    .filter((file) => file.endsWith('.tflite'))
    .map((file) => resolve(folder, file))
}

const TYPES = { float32: Float32Array, uint8: Uint8Array, int8: Int8Array }
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]

async function once(bytes, times) {
  const start = performance.now()
  const { bytes: onnx, signature } = tfliteToOnnx(bytes)
  const converted = performance.now()
  const session = await InferenceSession.create(onnx, { intraOpNumThreads: 1, logSeverityLevel: 4 })
  const opened = performance.now()
  const [input] = signature.inputs
  const count = input.shape.reduce((product, size) => product * size, 1)
  const feeds = { [input.name]: new Tensor(input.type, new TYPES[input.type](count), input.shape) }
  await session.run(feeds)
  const warm = performance.now()
  await session.run(feeds)
  const ran = performance.now()
  await session.release()
  times.convert.push(converted - start)
  times.open.push(opened - converted)
  times.run.push(ran - warm)
  return onnx.length
}

const models = paths.map((path) => ({
  name: basename(path),
  bytes: new Uint8Array(readFileSync(path)),
  times: { convert: [], open: [], run: [] },
}))
for (let round = 0; round < rounds; round++) {
  for (const model of models) {
    model.size = await once(model.bytes, model.times)
  }
}
console.log(
  `${cpus()[0].model}, ${cpus().length} processors, Node ${process.versions.node}, ${rounds} rounds`,
)
console.table(
  models.map(({ name, bytes, size, times }) => ({
    model: name,
    'tflite MB': (bytes.length / 1e6).toFixed(2),
    'onnx MB': (size / 1e6).toFixed(2),
    'convert ms': median(times.convert).toFixed(1),
    'open ms': median(times.open).toFixed(1),
    'run ms': median(times.run).toFixed(1),
    share: (median(times.convert) / median(times.open)).toFixed(2),
  })),
)
