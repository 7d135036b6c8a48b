/** Runs in a worker thread: tensors from text and to text. */

import { parentPort } from 'node:worker_threads'
import { type InferAnswer, inferAnswer } from '../api/dialects/kserve/infer-answer.ts'
import { type InferRequest, parseInferRequest } from '../api/dialects/kserve/infer-request.ts'
import type { TensorAnswer, TensorRequest } from '../api/dialects/kserve/tensor-text.ts'
import { type ErrorCode, toBoxletError } from '../errors.ts'

export type TensorTask = ({ kind: 'read' } & TensorRequest) | ({ kind: 'write' } & TensorAnswer)

export type TensorTaskDone =
  | { kind: 'read'; result: InferRequest }
  | { kind: 'write'; result: InferAnswer }
  | { kind: 'fault'; error: { code: ErrorCode; message: string; hint: string | undefined } }

const port = parentPort
if (port === null) {
  throw new Error('tensor-worker.js is started by the service, not by hand')
}
port.on('message', (task: TensorTask) => {
  const done = work(task)
  port.postMessage(done, moved(done))
})

function work(task: TensorTask): TensorTaskDone {
  try {
    return task.kind === 'read'
      ? { kind: 'read', result: parseInferRequest(task.body, task.headerLength, task.expected) }
      : { kind: 'write', result: inferAnswer(task.model, task.request, task.results) }
  } catch (error) {
    const { code, message, hint } = toBoxletError(error)
    return { kind: 'fault', error: { code, message, hint } }
  }
}

/** What goes back without a copy. */
function moved(done: TensorTaskDone): ArrayBuffer[] {
  if (done.kind === 'read') {
    return [...new Set([...done.result.feeds.values()].map(({ data }) => data.buffer as ArrayBuffer))]
  }
  return done.kind === 'write' ? [done.result.body.buffer] : []
}
