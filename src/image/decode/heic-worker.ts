/** Runs in a worker thread: decodes one HEIC. */
import { parentPort } from 'node:worker_threads'
import { type BoxletError, toBoxletError } from '../../errors.ts'
import type { RgbImage } from '../rgb-image.ts'
import { checkHeicSize } from './declared-work.ts'
import { decodeHeic } from './heic.ts'

export interface HeicTask {
  bytes: Uint8Array
  maxPixels: number
}

export type HeicTaskDone =
  | { kind: 'done'; pixels: RgbImage | undefined }
  | { kind: 'fault'; error: Pick<BoxletError, 'code' | 'message' | 'hint' | 'details'> }

const port = parentPort
if (port === null) {
  throw new Error('heic-worker.js is started by the decoder, not by hand')
}
port.once('message', async ({ bytes, maxPixels }: HeicTask) => {
  try {
    const pixels = await decodeHeic(bytes, (size) => checkHeicSize(size, maxPixels))
    const done: HeicTaskDone = { kind: 'done', pixels }
    port.postMessage(done, pixels === undefined ? [] : [pixels.data.buffer as ArrayBuffer])
  } catch (error) {
    const { code, message, hint, details } = toBoxletError(error)
    const fault: HeicTaskDone = { kind: 'fault', error: { code, message, hint, details } }
    port.postMessage(fault)
  }
})
