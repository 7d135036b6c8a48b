import { BoxletError } from '../errors.ts'
import type { ModelSignature } from './signature.ts'

/** `TFL3` at byte 4 is the mark of a TensorFlow Lite file. */
const TFLITE_MARK = [0x54, 0x46, 0x4c, 0x33]

export const isTflite = (bytes: Uint8Array): boolean => TFLITE_MARK.every((byte, i) => bytes[4 + i] === byte)

/**
 * What the file says about itself, by its content and not by its name.
 *
 * @throws BoxletError MODEL_CORRUPT, MODEL_LIMIT or MODEL_UNSUPPORTED
 */
export async function readSignature(bytes: Uint8Array): Promise<ModelSignature> {
  if (bytes.length === 0) {
    throw new BoxletError('MODEL_CORRUPT', 'Expected an ONNX or TFLite model but received an empty file.')
  }
  if (isTflite(bytes)) {
    const { readTflite } = await import('./tflite/tflite.ts')
    return readTflite(bytes)
  }
  const { readOnnx } = await import('./onnx/reader.ts')
  const { withOrigin } = await import('./tflite/origin.ts')
  return withOrigin(readOnnx(bytes))
}
