/**
 * Does ONNX Runtime survive damaged models? Flips bits in real files and cuts them short, then loads and runs
 * each in a child process, and reports the seeds at which the child died or hung. Nothing here belongs to the
 * product; its answer is noted in `src/onnx/check.ts`.
 *
 *     node scripts/fuzz-runtime.js FILE... [--rounds 3000] [--from 1]
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3000' },
    from: { type: 'string', default: '1' },
    state: { type: 'string' },
  },
  allowPositionals: true,
})

/** A round that takes longer is a hang; the slowest honest ones take a few seconds on a busy machine. */
const ROUND_MS = 60_000
/** Structure is at the ends of a file, weights in the middle. */
const EDGE_BYTES = 60_000
/** Free axes are run at this size. */
const FREE_AXIS = 320
const MAX_INPUT_VALUES = 4e6

if (values.state === undefined) {
  await parent()
} else {
  await child(values.state)
}

async function parent() {
  if (positionals.length === 0) {
    throw new Error('Expected model files but received none.')
  }
  const folder = mkdtempSync(join(tmpdir(), 'boxlet-fuzz-'))
  const state = join(folder, 'seed')
  const end = Number(values.from) + Number(values.rounds)
  const deaths = []
  for (let seed = Number(values.from); seed < end; ) {
    const outcome = await runChild(state, seed, end)
    if (outcome === 'done') {
      break
    }
    const at = Number(readFileSync(state, 'utf8'))
    deaths.push(`seed ${at}: ${outcome}`)
    seed = at + 1
  }
  rmSync(folder, { recursive: true })
  console.log(`${values.rounds} damaged models, ${deaths.length} ended or held the process`)
  for (const death of deaths) {
    console.log(`  ${death}`)
  }
}

function runChild(state, from, end) {
  const args = [
    import.meta.filename,
    ...positionals,
    '--state',
    state,
    '--from',
    `${from}`,
    '--rounds',
    `${end - from}`,
  ]
  const process_ = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'ignore'] })
  let last = ''
  const watch = setInterval(() => {
    const at = readFileSync(state, { encoding: 'utf8', flag: 'a+' })
    if (at === last) {
      process_.kill('SIGKILL')
    }
    last = at
  }, ROUND_MS)
  return new Promise((resolve) => {
    process_.on('exit', (code, signal) => {
      clearInterval(watch)
      resolve(code === 0 ? 'done' : signal === 'SIGKILL' ? 'hung or was killed' : `exit ${code ?? signal}`)
    })
  })
}

async function child(state) {
  const ort = await import('onnxruntime-node')
  const originals = positionals.map((file) => new Uint8Array(readFileSync(file)))
  const end = Number(values.from) + Number(values.rounds)
  for (let seed = Number(values.from); seed < end; seed++) {
    writeFileSync(state, `${seed}`)
    try {
      const session = await ort.InferenceSession.create(damaged(originals, seed), {
        intraOpNumThreads: 1,
        logSeverityLevel: 4,
      })
      await session.run(feeds(ort, session.inputMetadata))
      await session.release()
    } catch {
      // A refusal is the right answer.
    }
  }
}

function damaged(originals, seed) {
  const next = random(seed)
  const bytes = originals[Math.floor(next() * originals.length)].slice()
  if (next() < 0.1) {
    return bytes.subarray(0, Math.floor(next() * bytes.length))
  }
  const flips = 1 + Math.floor(next() * next() * 12)
  for (let flip = 0; flip < flips; flip++) {
    const edge = Math.min(bytes.length, EDGE_BYTES)
    const where = next()
    const at =
      where < 0.45
        ? Math.floor(next() * edge)
        : where < 0.8
          ? bytes.length - 1 - Math.floor(next() * edge)
          : Math.floor(next() * bytes.length)
    bytes[at] ^= 1 << Math.floor(next() * 8)
  }
  return bytes
}

/** Xorshift, warmed up so that neighbouring seeds differ from the first value on. */
function random(seed) {
  let state = (seed * 2_654_435_761 + 12_345) >>> 0 || 1
  const next = () => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 2 ** 32
  }
  for (let i = 0; i < 5; i++) {
    next()
  }
  return next
}

const ARRAYS = { float32: Float32Array, int64: BigInt64Array, uint8: Uint8Array, int32: Int32Array }

function feeds(ort, inputs) {
  return Object.fromEntries(
    inputs.map(({ name, type, shape }) => {
      const dims = shape.map((size, axis) =>
        typeof size === 'number' && size > 0 ? Math.min(size, 640) : axis === 0 ? 1 : FREE_AXIS,
      )
      const length = dims.reduce((product, size) => product * size, 1)
      if (length > MAX_INPUT_VALUES || ARRAYS[type] === undefined) {
        throw new Error('not run')
      }
      const data = new ARRAYS[type](length)
      for (let at = 0; at < length; at++) {
        data[at] = type === 'int64' ? BigInt(FREE_AXIS) : ((at * 7919) % 255) / (type === 'float32' ? 255 : 1)
      }
      return [name, new ort.Tensor(type, data, dims)]
    }),
  )
}
