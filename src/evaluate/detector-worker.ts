/** A worker thread of `DetectorPool`: loads the model it is told, then answers one picture after another. */
import { parentPort, workerData } from 'node:worker_threads'
import { Detector } from '../detector/detector.ts'
import { toBoxletError } from '../errors.ts'
import type { Job, Reply, WorkerSetup } from './detector-pool.ts'

const port = parentPort!
const reply = (message: Reply): void => port.postMessage(message)

try {
  const { model, load } = workerData as WorkerSetup
  const detector = await Detector.load(model, load)
  port.on('message', async (message: Job | 'leave') => {
    if (message === 'leave') {
      // Waits for the run that the runtime has; what has not reached it ends with DISPOSED.
      await detector.dispose()
      port.close()
      return
    }
    const { id, image, options } = message
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
