/**
 * What knowing and preparing a model costs, against the runtime's own loading of it. Each figure is from a fresh
 * process, as on a cold start, and the three are measured in turn; medians over the rounds.
 *
 *     npm run build && node bench/model-reading.js FILE... [--rounds 9]
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '9' }, one: { type: 'boolean' } },
  allowPositionals: true,
})

if (values.one) console.log(JSON.stringify(await measure(positionals[0])))
else report()

async function measure(file) {
  const started = performance.now()
  const { readOnnx } = await import('../dist/model/onnx/reader.js')
  const { recognise } = await import('../dist/families/recognise.js')
  const { prepareModel } = await import('../dist/model/prepare.js')
  const runtime = await import('onnxruntime-node')
  const imported = performance.now()
  const bytes = new Uint8Array(readFileSync(file))
  const loaded = performance.now()
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
    import: imported - started,
    file: loaded - imported,
    read: read - loaded,
    recognise: recognised - read,
    prepare: done - recognised,
    create: created - done,
    edits: prepared?.edits.length ?? 0,
  }
}

function report() {
  console.log(`${cpus().length} × ${cpus()[0].model}, Node ${process.version}, ${values.rounds} processes each, ms`)
  console.log(`${'file'.padEnd(36)}   read  recognise  both/create  prepare (edits)  create`)
  for (const file of positionals) {
    const rounds = Array.from({ length: Number(values.rounds) }, () =>
      JSON.parse(execFileSync(process.execPath, [import.meta.filename, '--one', file], { encoding: 'utf8' })),
    )
    const median = (pick) => {
      const sorted = rounds.map(pick).sort((a, b) => a - b)
      return sorted[sorted.length >> 1]
    }
    const share = median((round) => (round.read + round.recognise) / round.create)
    console.log(
      [
        basename(file).padEnd(36),
        median((round) => round.read).toFixed(1).padStart(6),
        median((round) => round.recognise).toFixed(1).padStart(10),
        `${(100 * share).toFixed(1)} %`.padStart(12),
        `${median((round) => round.prepare).toFixed(1)} (${rounds[0].edits})`.padStart(16),
        median((round) => round.create).toFixed(0).padStart(7),
      ].join(' '),
    )
  }
}
