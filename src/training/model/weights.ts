import { BoxletError } from '../../errors.ts'
import type { OnnxModel, OnnxTensor } from '../../onnx/model.ts'
import { tensorValues } from '../../onnx/read/values.ts'

/** Numbers of a float32 or float16 weight, copied out of the file. */
export function weightValues(model: OnnxModel, tensor: OnnxTensor): Float32Array {
  if (tensor.type === 'float32' && tensor.raw !== undefined) {
    const bytes = model.bytes.slice(tensor.raw.start, tensor.raw.end)
    if (bytes.length === 4 * tensor.elements) {
      return new Float32Array(bytes.buffer)
    }
  }
  const values = tensor.type === 'float32' ? tensorValues(model.bytes, tensor) : undefined
  if (values === undefined) {
    throw new BoxletError(
      'MODEL_UNSUPPORTED',
      `Expected float32 weights in the base for teaching but received "${tensor.name}" as ${tensor.type}.`,
      { hint: 'Take the file before it was quantized or halved.' },
    )
  }
  return Float32Array.from(values)
}
