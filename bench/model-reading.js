/**
 * What knowing and preparing a model costs, against the runtime's own loading of it.
 *
 *     npm run build && node bench/model-reading.js FILE... [--rounds 9]
 *
 * cold   each figure from fresh processes, the steps in turn within one; medians over the processes
 * warm   the same steps again in that process, when the code is compiled
 * load   the whole of `Detector.load` in fresh processes, without a contract beside the file against with one,
 *        interleaved; the median of the ratios
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '9' }, only: { type: 'string' } },
  allowPositionals: true,
})

const WARM_ROUNDS = 5

if (values.only === 'steps') {
  console.log(JSON.stringify(await steps(positionals[0])))
} else if (values.only === 'load') {
  console.log(JSON.stringify(await load(positionals[0])))
} else {
  await report()
}

async function steps(file) {
  const { readOnnx } = await import('../dist/onnx/read/reader.js')
  const { recognise } = await import('../dist/families/recognise.js')
  const { prepareModel } = await import('../dist/prepare/prepare.js')
  const runtime = await import('onnxruntime-node')
  const bytes = new Uint8Array(readFileSync(file))
  const once = async () => {
    const start = performance.now()
    const signature = readOnnx(bytes)
    const read = performance.now()
    const { contract } = recognise(signature, 'model')
    const recognised = performance.now()
    const prepared = prepareModel(bytes, contract)
    const done = performance.now()
    const session = await runtime.InferenceSession.create(bytes, { intraOpNumThreads: 1 })
    const created = performance.now()
    await session.release()
    return {
      read: read - start,
      recognise: recognised - read,
      prepare: done - recognised,
      create: created - done,
      edits: prepared?.edits.length ?? 0,
    }
  }
  const cold = await once()
  const warm = []
  for (let round = 0; round < WARM_ROUNDS; round++) {
    warm.push(await once())
  }
  return { cold, warm }
}

async function load(file) {
  const start = performance.now()
  const { Detector } = await import('../dist/index.js')
  await Detector.load(file, { threads: 1 })
  return performance.now() - start
}

async function report() {
  const { readOnnx } = await import('../dist/onnx/read/reader.js')
  const { recognise } = await import('../dist/families/recognise.js')
  console.log(
    `${cpus().length} × ${cpus()[0].model}, Node ${process.version}, ${values.rounds} processes each, ms`,
  )
  console.log(
    `${'file'.padEnd(34)}   read  recognise  prepare  create   share cold  share warm   load with/without contract`,
  )
  for (const file of positionals) {
    const folder = mkdtempSync(join(tmpdir(), 'boxlet-bench-'))
    try {
      const [open, stored] = ['open.onnx', 'stored.onnx'].map((name) => join(folder, name))
      copyFileSync(file, open)
      copyFileSync(file, stored)
      const { contract } = recognise(readOnnx(new Uint8Array(readFileSync(file))), 'stored')
      writeFileSync(join(folder, 'stored.contract.json'), JSON.stringify(contract))
      const rounds = Array.from({ length: Number(values.rounds) }, (_, round) => {
        const [first, second] = round % 2 ? [open, stored] : [stored, open]
        const times = { [first]: child('load', first), [second]: child('load', second) }
        return { ...child('steps', file), ratio: times[open] / times[stored] }
      })
      print(file, rounds)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
}

function child(only, file) {
  const args = [import.meta.filename, '--only', only, file]
  return JSON.parse(
    execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  )
}

function print(file, rounds) {
  const known = ({ read, recognise, create }) => (100 * (read + recognise)) / create
  const cold = rounds.map((round) => round.cold)
  const warm = rounds.flatMap((round) => round.warm)
  console.log(
    [
      basename(file).padEnd(34),
      median(cold, (one) => one.read)
        .toFixed(1)
        .padStart(6),
      median(cold, (one) => one.recognise)
        .toFixed(1)
        .padStart(10),
      median(cold, (one) => one.prepare)
        .toFixed(1)
        .padStart(8),
      median(cold, (one) => one.create)
        .toFixed(0)
        .padStart(7),
      `${median(cold, known).toFixed(1)} %`.padStart(12),
      `${median(warm, known).toFixed(1)} %`.padStart(11),
      median(rounds, (round) => round.ratio)
        .toFixed(3)
        .padStart(15),
    ].join(' '),
  )
}

function median(list, pick) {
  const sorted = list.map(pick).sort((a, b) => a - b)
  return sorted[sorted.length >> 1]
}
