/** The entry of a training thread. */
import { parentPort, workerData } from 'node:worker_threads'
import { toBoxletError } from '../../errors.ts'
import { abort } from './barrier.ts'
import type { WorkerMessage, WorkerSetup } from './messages.ts'
import { workerLoop } from './worker-loop.ts'

const setup = workerData as WorkerSetup
const say = (message: WorkerMessage) => parentPort!.postMessage(message)

workerLoop(setup, say).catch((error: unknown) => {
  abort(setup.state.control)
  say({ kind: 'failed', error: toBoxletError(error).toJSON() })
})
