/**
 * A worker on the store in argv[2] with the model in argv[3], as the built package has them, that one picture kills:
 * whatever is 13 pixels wide ends the process at once, as a fault in native code does.
 */
import sharp from 'sharp'
import { Detector } from '../../dist/detector/detector.js'
import { openHome } from '../../dist/local/home.js'
import { startJobWorker } from '../../dist/server/job-worker.js'

const [, , store, model] = process.argv
const detector = await Detector.load(model, { threads: 1 })
const poisoned = {
  model: detector.model,
  async detect(bytes, options) {
    if ((await sharp(bytes).metadata()).width === 13) {
      process.kill(process.pid, 'SIGKILL')
    }
    return detector.detect(bytes, options)
  },
}
startJobWorker({
  home: await openHome(store),
  detectors: { defaultName: 'dogs', get: async () => poisoned },
  concurrency: 2,
  blobStore: undefined,
  urls: 'off',
  maxBytes: 2 ** 20,
  fetchMs: 1000,
  leaseMs: 600,
  onNotice: () => {},
})
process.stdout.write('ready\n')
