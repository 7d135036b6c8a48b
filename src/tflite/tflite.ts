import { BoxletError } from '../errors.ts'
import type { ModelSignature, QuantizationKind, TensorInfo, TensorType } from '../model/signature.ts'
import { readOnnx } from '../onnx/read/reader.ts'
import type { NewValue } from '../onnx/write/encode.ts'
import { writeModel } from '../onnx/write/write-model.ts'
import { defined } from '../system/defined.ts'
import type { TfliteType } from './codes.ts'
import { isQuantized } from './constants.ts'
import { convertGraph, nameOutputs } from './convert.ts'
import { elementCount, type TfliteGraph, type TfliteTensor } from './graph.ts'
import { readMetadata } from './metadata.ts'
import { ORIGIN_KEY, originOf } from './origin.ts'
import { readGraph } from './reader.ts'

/** A TFLite model as ONNX, and what the file says about itself in the names of the ONNX graph. */
export interface ConvertedModel {
  bytes: Uint8Array
  signature: ModelSignature
}

/**
 * Turns a TFLite file into an ONNX file that gives the same results.
 *
 * inputs   as in the file: NHWC mostly, uint8 or int8 codes where it has them, with scale and zero point in the
 *          signature
 * outputs  by their names in the file, always float32 where the file has codes; `storedAs` in the signature
 *          says what they were. TFLite_Detection_PostProcess gives detection_boxes, detection_classes,
 *          detection_scores and num_detections, and before them raw_detection_boxes and raw_detection_scores
 * cost     dequantizing an output a second time puts every box off the picture
 *
 * @throws BoxletError MODEL_CORRUPT, MODEL_LIMIT, or MODEL_UNSUPPORTED naming the operators
 */
export function tfliteToOnnx(bytes: Uint8Array): ConvertedModel {
  const file = plainBytes(bytes)
  const source = guarded(() => readGraph(file))
  return guarded(() => convert(file, source))
}

/**
 * What a TFLite file says about itself. Operators and tails are those of its ONNX form; a file that cannot be
 * converted is described by its own operators, without tails.
 *
 * @throws BoxletError MODEL_CORRUPT or MODEL_LIMIT
 */
export function readTflite(bytes: Uint8Array): ModelSignature {
  const file = plainBytes(bytes)
  const source = guarded(() => readGraph(file))
  try {
    return guarded(() => convert(file, source)).signature
  } catch (error) {
    if (error instanceof BoxletError && error.code === 'MODEL_UNSUPPORTED') {
      const { message, hint } = error
      const unconvertible = { message, ...defined({ hint }) }
      return { ...describe(file, source), metadata: readMetadata(file, source), unconvertible }
    }
    throw error
  }
}

function convert(file: Uint8Array, source: TfliteGraph): ConvertedModel {
  const metadata = readMetadata(file, source)
  const own = describe(file, source)
  const graph = convertGraph(source)
  const infos = (values: NewValue[]): TensorInfo[] =>
    values.map(({ name, type, shape }) => ({ name, type, shape: shape && [...shape] }))
  const inputs = infos(graph.inputs).map((info, place) => ({ ...info, ...quantizationOf(source, place) }))
  const outputs = infos(graph.outputs).map((info, place) => ({ ...info, ...storedAs(source, place) }))
  const bytes = writeModel(graph, {
    producer: own.producer,
    metadata: { ...metadata, [ORIGIN_KEY]: originOf({ inputs, outputs }) },
  }).finish()
  const converted = readOnnx(bytes)
  const { format, producer, quantization, sourceOps } = own
  return {
    bytes,
    signature: {
      ...converted,
      format,
      bytes: file.length,
      inputs,
      outputs,
      metadata,
      producer,
      ...defined({ quantization, sourceOps }),
    },
  }
}

/** What can be said without a conversion. */
function describe(file: Uint8Array, source: TfliteGraph): ModelSignature {
  const ops: Record<string, number> = Object.create(null)
  for (const { name } of source.operators) {
    ops[name] = (ops[name] ?? 0) + 1
  }
  const names = nameOutputs(source)
  const weights = source.tensors.filter(({ data, type }) => data !== undefined && !/^int(32|64)$/.test(type))
  return {
    format: 'tflite',
    bytes: file.length,
    inputs: source.inputs.map((index, place) => ({
      ...tensorInfo(source.tensors[index]!),
      ...quantizationOf(source, place),
    })),
    outputs: source.outputs.map((index) => ({
      ...tensorInfo(source.tensors[index]!),
      name: names.get(index) ?? '',
    })),
    metadata: {},
    producer: { name: 'TensorFlow Lite', version: runtimeVersion(source) },
    opsets: {},
    ops,
    parameters: weights.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    tails: {},
    nodes: source.operators.length,
    quantization: quantizationKind(source),
    sourceOps: { ...ops },
  }
}

/** Least version of the runtime that knows all operators, as the converter notes it. */
function runtimeVersion(source: TfliteGraph): string {
  const blob = source.blobs.get('min_runtime_version')
  return blob === undefined ? '' : new TextDecoder().decode(blob).replace(/\0.*$/s, '').slice(0, 32)
}

function quantizationKind({ tensors }: TfliteGraph): QuantizationKind {
  if (tensors.some((tensor) => tensor.data === undefined && isQuantized(tensor))) {
    return 'qdq'
  }
  const weights = (type: TfliteType) =>
    tensors
      .filter((tensor) => tensor.data !== undefined && tensor.type === type)
      .reduce((sum, { shape }) => sum + elementCount(shape), 0)
  const full = weights('float32')
  if (weights('int8') + weights('uint8') + weights('int4') > full) {
    return 'int8-weights'
  }
  return weights('float16') > full ? 'float16-weights' : 'none'
}

const tensorInfo = ({ name, type, shape, hasShape }: TfliteTensor): TensorInfo => ({
  name,
  type: signatureType(type),
  shape: hasShape ? shape : undefined,
})

const signatureType = (type: TfliteType): TensorType => (type === 'int4' ? 'other' : type)

function quantizationOf(source: TfliteGraph, place: number): Pick<TensorInfo, 'quantization'> {
  const tensor = source.tensors[source.inputs[place] ?? -1]
  if (tensor === undefined || !isQuantized(tensor)) {
    return {}
  }
  const { scales, zeroPoints } = tensor.quantization!
  return { quantization: { scale: scales[0]!, zeroPoint: zeroPoints[0]! } }
}

function storedAs(source: TfliteGraph, place: number): Pick<TensorInfo, 'storedAs'> {
  const tensor = source.tensors[source.outputs[place] ?? -1]
  if (tensor === undefined || !isQuantized(tensor)) {
    return {}
  }
  const { scales, zeroPoints } = tensor.quantization!
  return { storedAs: { type: signatureType(tensor.type), scale: scales[0]!, zeroPoint: zeroPoints[0]! } }
}

/** A Node Buffer shares memory when it is sliced, which views of constants must not. */
const plainBytes = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Sizes that fit no tensor, made by a damaged file, are refused by the language itself. */
function guarded<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof RangeError) && !(error instanceof TypeError)) {
      throw error
    }
    throw new BoxletError(
      'MODEL_CORRUPT',
      'Expected a whole TFLite file but received one whose parts contradict each other.',
      { cause: error, hint: 'Fetch or export the file again.' },
    )
  }
}
