/**
 * Training alone: pictures a second, where the time of a picture goes, how busy the processors are, and memory.
 *
 *     npm run build && node bench/teach.js --data FOLDER --base yolox-nano.onnx [--size 416] [--workers 2] [--steps 60]
 *
 * FOLDER is a labelled set with a part `train`. Nothing is validated or written. The first tenth of the steps is left
 * out of pictures a second, since the runtime then takes its memory.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { divide } from '../dist/training/data/divide.js'
import { teach } from '../dist/training/teach.js'

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    base: { type: 'string' },
    size: { type: 'string' },
    workers: { type: 'string', default: String(availableParallelism()) },
    steps: { type: 'string', default: '60' },
    learn: { type: 'string', default: '0.9' },
  },
})
if (values.data === undefined || values.base === undefined) {
  console.error('Name a labelled set with --data and a YOLOX file with --base.')
  process.exit(2)
}

const BATCH = 4
const steps = Number(values.steps)
const warm = Math.max(1, Math.round(steps / 10))
const { train } = await divide(values.data, 1)
const bytes = readFileSync(values.base)
const marks = new Map()
const taught = await teach({
  base: { name: 'base', sha256: createHash('sha256').update(bytes).digest('hex'), bytes },
  labels: train.categories.map(({ name }) => name),
  train,
  val: undefined,
  settings: {
    seed: 1,
    quick: false,
    workers: Number(values.workers),
    batch: BATCH,
    epochs: (steps * BATCH) / train.images.length,
    learn: Number(values.learn),
    ...(values.size === undefined ? {} : { size: Number(values.size) }),
  },
  stem: join(tmpdir(), `boxlet-bench-${process.pid}`),
  resume: false,
  onEvent(event) {
    if (event.kind === 'progress') {
      if (!marks.has('warm') && event.step >= warm) {
        marks.set('warm', { step: event.step, time: performance.now(), cpu: process.cpuUsage() })
      }
      marks.set('last', { step: event.step, time: performance.now(), cpu: process.cpuUsage() })
    }
  },
})
await taught.forget()
const first = marks.get('warm')
const last = marks.get('last')
const seconds = (last.time - first.time) / 1000
const rate = ((last.step - first.step) * BATCH) / seconds
const used = (last.cpu.user + last.cpu.system - first.cpu.user - first.cpu.system) / 1e6
const busy = used / seconds / Math.min(taught.recipe.workers, availableParallelism())
const all = Object.values(taught.stages).reduce((sum, stage) => sum + stage, 0)
console.log(
  `${taught.recipe.size} × ${taught.recipe.size}, ${taught.recipe.workers} workers, ${steps} steps of ${BATCH}`,
)
console.log(
  `${rate.toFixed(2)} pictures/s, ${((used * 1000) / ((last.step - first.step) * BATCH)).toFixed(1)} ms of processor time a picture`,
)
console.log(`processors busy ${(100 * busy).toFixed(0)} %, memory ${(taught.memory / 1e6).toFixed(0)} MB`)
console.log('stage      ms a picture  share')
for (const [stage, time] of Object.entries(taught.stages)) {
  console.log(
    `${stage.padEnd(10)} ${((1000 * time) / taught.pictures).toFixed(2).padStart(12)}  ${((100 * time) / all).toFixed(1).padStart(4)} %`,
  )
}
