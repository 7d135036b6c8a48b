// Resident memory over many pictures: it has to be flat.
//
//   npm run build && node bench/memory.js [--model NAME|FILE] [--pictures 3000] [--folder DIR]
//
// Prints the resident size as the run goes on and, over its second half, the slope in MB for each 1,000 pictures.
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Detector } from '../dist/index.js'

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'yolov8n' },
    pictures: { type: 'string', default: '3000' },
    folder: { type: 'string', default: resolve(import.meta.dirname, '../examples/pictures') },
  },
})
const files = readdirSync(values.folder)
  .filter((name) => /\.(jpe?g|png)$/i.test(name))
  .map((name) => join(values.folder, name))
const total = Number(values.pictures)
const detector = await Detector.load(values.model, { threads: 1 })
const samples = []
for (let done = 0; done <= total; done++) {
  if (done % Math.ceil(total / 30) === 0) {
    const megabytes = process.memoryUsage.rss() / 2 ** 20
    samples.push({ done, megabytes })
    if (samples.length % 5 === 1) {
      console.log(`${String(done).padStart(6)} pictures ${megabytes.toFixed(1).padStart(7)} MB`)
    }
  }
  await detector.detect(readFileSync(files[done % files.length]))
}
await detector.dispose()
const half = samples.slice(Math.floor(samples.length / 2))
console.log(`slope over the second half: ${slope(half).toFixed(2)} MB per 1,000 pictures`)

/** Least squares. */
function slope(points) {
  const meanX = points.reduce((sum, { done }) => sum + done, 0) / points.length
  const meanY = points.reduce((sum, { megabytes }) => sum + megabytes, 0) / points.length
  const shared = points.reduce((sum, { done, megabytes }) => sum + (done - meanX) * (megabytes - meanY), 0)
  return (1000 * shared) / points.reduce((sum, { done }) => sum + (done - meanX) ** 2, 0)
}
