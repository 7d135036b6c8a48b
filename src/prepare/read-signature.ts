import { BoxletError } from '../errors.ts'
import type { ModelSignature } from '../model/signature.ts'
import { sniff } from '../system/sniff.ts'

/** `TFL3` at byte 4 is the mark of a TensorFlow Lite file. */
const TFLITE_MARK = [0x54, 0x46, 0x4c, 0x33]

export const isTflite = (bytes: Uint8Array): boolean => TFLITE_MARK.every((byte, i) => bytes[4 + i] === byte)

/**
 * What the file says about itself, by its content and not by its name.
 *
 * @param name of the file: a model of another runtime without a mark of its own is named by its ending
 * @throws BoxletError MODEL_CORRUPT, MODEL_LIMIT or MODEL_UNSUPPORTED
 */
export async function readSignature(bytes: Uint8Array, name = ''): Promise<ModelSignature> {
  if (bytes.length === 0) {
    throw new BoxletError('MODEL_CORRUPT', 'Expected an ONNX or TFLite model but received an empty file.')
  }
  if (isTflite(bytes)) {
    const { readTflite } = await import('../tflite/tflite.ts')
    return readTflite(bytes)
  }
  const { readOnnx } = await import('../onnx/read/reader.ts')
  const { withOrigin } = await import('../tflite/origin.ts')
  let signature: ModelSignature
  try {
    signature = withOrigin(readOnnx(bytes))
  } catch (error) {
    throw (await foreignModel(bytes, name, error)) ?? notAModel(bytes, error)
  }
  // Core ML and others are protobuf, too, and read as an ONNX file that holds nothing.
  const foreign = signature.outputs.length === 0 ? await foreignModel(bytes, name) : undefined
  if (foreign !== undefined) {
    throw foreign
  }
  return signature
}

/** A model of another runtime, with the way from there. */
async function foreignModel(
  bytes: Uint8Array,
  name: string,
  cause?: unknown,
): Promise<BoxletError | undefined> {
  if (cause !== undefined && !(cause instanceof BoxletError && cause.code === 'MODEL_CORRUPT')) {
    return undefined
  }
  const { foreignFormat } = await import('./foreign-formats.ts')
  const foreign = foreignFormat(bytes, name)
  return foreign === undefined
    ? undefined
    : new BoxletError('MODEL_UNSUPPORTED', `Expected an ONNX or TFLite model but received ${foreign.name}.`, {
        cause,
        hint: foreign.hint,
      })
}

/** A picture, page or archive under the name of a model is reported as what it is. */
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
