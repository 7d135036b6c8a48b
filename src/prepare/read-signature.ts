import { BoxletError } from '../errors.ts'
import type { ModelSignature } from '../model/signature.ts'
import { sniff } from '../system/sniff.ts'

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
    const { readTflite } = await import('../tflite/tflite.ts')
    return readTflite(bytes)
  }
  const { readOnnx } = await import('../onnx/read/reader.ts')
  const { withOrigin } = await import('../tflite/origin.ts')
  try {
    return withOrigin(readOnnx(bytes))
  } catch (error) {
    throw notAModel(bytes, error)
  }
}

/** A picture, page or archive under the name of a model is told as what it is. */
function notAModel(bytes: Uint8Array, error: unknown): unknown {
  const { name } = sniff(bytes)
  if (!(error instanceof BoxletError) || error.code !== 'MODEL_CORRUPT' || name === 'unknown binary data') {
    return error
  }
  return new BoxletError('MODEL_CORRUPT', `Expected an ONNX or TFLite model but received ${name}.`, {
    cause: error,
    hint: 'The bytes decide, not the name; an address may have answered with a page or message instead of the model.',
  })
}
