/**
 * Lambda's processor shares on this machine: latency, processor time and images per dollar at 512, 1024, 1769
 * and 3008 MB, beside the published 60,000 images per dollar for yolov8n at 1024 MB. Needs `npm run build`, and
 * root on Linux for the shares; elsewhere it says so and ends.
 *
 *   node bench/lambda.js [--node PATH] [--model yolov8n] [--image FILE] [--calls 10] [--starts 3]
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildPackage } from '../dist/aws/package/build-package.js'
import { canMeasureLocally, measureLocally } from '../dist/aws/tune/local.js'
import { priced } from '../dist/aws/tune/measurement.js'

const PUBLISHED = { imagesPerDollar: 60_000, memoryMb: 1024 }
const { values } = parseArgs({
  options: {
    node: { type: 'string', default: process.execPath },
    model: { type: 'string', default: 'yolov8n' },
    image: { type: 'string' },
    calls: { type: 'string', default: '10' },
    starts: { type: 'string', default: '3' },
    sizes: { type: 'string', default: '512,1024,1769,3008' },
  },
})
if (!canMeasureLocally()) {
  console.log(
    'SKIPPED: no control groups that can be written here, so no share of the processor can be imitated',
  )
  process.exit(0)
}
const corpus = process.env.BOXLET_CORPUS ?? join(import.meta.dirname, '../../shared/corpus')
const photo = join(corpus, 'images/scenes/bus.jpg')
// The bundled picture is a PNG, which takes longer to decode than a photo.
const path =
  values.image ?? (existsSync(photo) ? photo : join(import.meta.dirname, '../examples/pictures/coffee.png'))
const image = readFileSync(path)
const signal = new AbortController().signal
const folder = mkdtempSync(join(tmpdir(), 'boxlet-bench-'))
try {
  const zip = join(folder, 'boxlet.zip')
  const arch = process.arch === 'arm64' ? 'arm64' : 'x86_64'
  const built = await buildPackage({
    arch,
    model: values.model,
    env: process.env,
    signal,
    acceptedLicences: ['AGPL-3.0', 'AGPL-3.0-only'],
  })
  writeFileSync(zip, built.zip)
  console.log(
    `${values.model}, ${basename(path)}, ${cpus()[0].model}, ${cpus().length} cores, ${values.starts} starts of ${values.calls} warm calls`,
  )
  console.log('memory   cold      warm      worst     processor  peak     images/$ x86  images/$ arm64')
  for (const memoryMb of values.sizes.split(',').map(Number)) {
    const point = await measureLocally({
      zip,
      event: { image: image.toString('base64') },
      memoryMb,
      calls: Number(values.calls),
      starts: Number(values.starts),
      node: values.node,
      signal,
    })
    if (point === undefined) {
      console.log(`${String(memoryMb).padEnd(7)}  too little memory for this model and picture`)
      continue
    }
    const [x86, arm] = ['x86_64', 'arm64'].map((kind) => Math.round(priced(point, kind).imagesPerDollar))
    const ms = (time) => `${Math.round(time)} ms`.padEnd(8)
    const beside = memoryMb === PUBLISHED.memoryMb ? `  published: ${PUBLISHED.imagesPerDollar}` : ''
    console.log(
      `${String(memoryMb).padEnd(7)}  ${ms(point.coldMs)}  ${ms(point.warmMs)}  ${ms(point.worstMs)}  ${ms(point.cpuMs)}   ${`${Math.round(point.peakMemoryMb)} MB`.padEnd(7)}  ${String(x86).padEnd(12)}  ${arm}${beside}`,
    )
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
