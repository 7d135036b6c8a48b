/** A worker thread of `DetectorPool`: loads the model it is told, then answers one picture after another. */
import { parentPort, workerData } from 'node:worker_threads'
import { Detector } from '../detector.ts'
import { toBoxletError } from '../errors.ts'
import type { Job, Reply, WorkerSetup } from './detector-pool.ts'

const port = parentPort!
const reply = (message: Reply): void => port.postMessage(message)

try {
  const { model, load } = workerData as WorkerSetup
  const detector = await Detector.load(model, load)
  port.on('message', async ({ id, image, options }: Job) => {
    try {
      reply({ kind: 'result', id, result: await detector.detect(image, options) })
    } catch (error) {
      reply({ kind: 'error', id, error: toBoxletError(error).toJSON() })
    }
  })
  reply({ kind: 'ready', model: detector.model })
} catch (error) {
  reply({ kind: 'error', id: undefined, error: toBoxletError(error).toJSON() })
}
