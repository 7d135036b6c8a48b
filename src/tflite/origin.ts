import type { ModelSignature, TensorInfo, TensorType } from '../model/signature.ts'
import { isRecord } from '../system/record.ts'

/** Metadata key of a converted file: what ONNX has no place for, so that it is read as the TFLite file was. */
export const ORIGIN_KEY = 'boxlet.tflite'

interface Scaled {
  scale: number
  zeroPoint: number
}

/** Scales of quantized inputs and outputs by tensor name, as JSON. */
export function originOf({ inputs, outputs }: Pick<ModelSignature, 'inputs' | 'outputs'>): string {
  const named = <T>(tensors: TensorInfo[], pick: (tensor: TensorInfo) => T | undefined) =>
    Object.fromEntries(tensors.map((tensor) => [tensor.name, pick(tensor)]).filter(([, value]) => value))
  return JSON.stringify({
    inputs: named(inputs, ({ quantization }) => quantization),
    outputs: named(outputs, ({ storedAs }) => storedAs),
  })
}

/**
 * The signature of an ONNX file that was converted from TFLite, as that of the TFLite file: its boxes are
 * fractions where those of other ONNX files are pixels. Other signatures pass.
 *
 * cost  an int8 input fed without its scale shows the model a picture twice as bright
 */
export function withOrigin(signature: ModelSignature): ModelSignature {
  const { [ORIGIN_KEY]: text, ...metadata } = signature.metadata
  const origin = text === undefined ? undefined : parse(text)
  if (origin === undefined) {
    return signature
  }
  const { inputs, outputs } = origin
  return {
    ...signature,
    format: 'tflite',
    metadata,
    inputs: signature.inputs.map((tensor) => {
      const scaled = asScaled(inputs[tensor.name])
      return scaled === undefined ? tensor : { ...tensor, quantization: scaled }
    }),
    outputs: signature.outputs.map((tensor) => {
      const scaled = asScaled(outputs[tensor.name])
      const type = storedType(outputs[tensor.name])
      return scaled === undefined || type === undefined
        ? tensor
        : { ...tensor, storedAs: { type, ...scaled } }
    }),
  }
}

type Entries = Record<string, unknown>

/** Metadata is as untrusted as the file: what does not have the form is left out. */
function parse(text: string): { inputs: Entries; outputs: Entries } | undefined {
  try {
    const value = JSON.parse(text) as Partial<Record<'inputs' | 'outputs', unknown>> | null
    if (!isRecord(value) || !isRecord(value.inputs) || !isRecord(value.outputs)) {
      return undefined
    }
    return { inputs: value.inputs, outputs: value.outputs }
  } catch {
    return undefined
  }
}

function asScaled(value: unknown): Scaled | undefined {
  if (!isRecord(value)) {
    return undefined
  }
  const { scale, zeroPoint } = value
  return typeof scale === 'number' && scale > 0 && Number.isSafeInteger(zeroPoint)
    ? { scale, zeroPoint: zeroPoint as number }
    : undefined
}

const STORED: readonly TensorType[] = ['int8', 'uint8', 'int16']

const storedType = (value: unknown): TensorType | undefined =>
  isRecord(value) ? STORED.find((type) => type === value.type) : undefined
