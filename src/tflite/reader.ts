import { BoxletError } from '../errors.ts'
import { OPERATOR_NAMES, TENSOR_TYPES, TYPE_BITS } from './codes.ts'
import { type DenseBudget, denseBudget, densify } from './densify.ts'
import { FlatBuffer, readRow, type Table } from './flatbuffer.ts'
import {
  elementCount,
  type Quantization,
  type TfliteGraph,
  type TfliteOperator,
  type TfliteTensor,
} from './graph.ts'
import {
  corrupt,
  MAX_FILE_BYTES,
  MAX_METADATA_ENTRIES,
  MAX_OPERATOR_CODES,
  MAX_OPERATORS,
  MAX_RANK,
  MAX_SUBGRAPHS,
  MAX_TENSOR_ELEMENTS,
  MAX_TENSORS,
  tooLarge,
} from './limits.ts'
import { BUFFER, METADATA, MODEL, OPERATOR, OPERATOR_CODE, QUANTIZATION, SUBGRAPH, TENSOR } from './schema.ts'

/** FlatBuffers of TFLite carry this at byte 4. */
const IDENTIFIER = 'TFL3'
const SCHEMA_VERSION = 3

const isTflite = (bytes: Uint8Array): boolean =>
  bytes.length > 8 && String.fromCharCode(...bytes.subarray(4, 8)) === IDENTIFIER

/**
 * Reads the structure of a TFLite file. Nothing is copied but names and shapes.
 *
 * @throws BoxletError MODEL_CORRUPT for anything but a whole TFLite file, MODEL_LIMIT past a limit
 */
export function readGraph(bytes: Uint8Array): TfliteGraph {
  if (bytes.length > MAX_FILE_BYTES) {
    throw tooLarge('bytes', MAX_FILE_BYTES, bytes.length)
  }
  if (!isTflite(bytes)) {
    throw corrupt(`the mark ${IDENTIFIER}`, 'another format')
  }
  const file = new FlatBuffer(bytes)
  const model = readRow(file.root(), MODEL)
  if (model.version !== SCHEMA_VERSION) {
    throw new BoxletError(
      'MODEL_UNSUPPORTED',
      `Expected schema version ${SCHEMA_VERSION} for the TFLite file but received ${model.version}.`,
    )
  }
  const [main] = bounded(model.subgraphs, MAX_SUBGRAPHS, 'graphs')
  if (main === undefined) {
    throw corrupt('a graph', 'none')
  }
  const graph = readRow(main, SUBGRAPH)
  const codes = bounded(model.operatorCodes, MAX_OPERATOR_CODES, 'operator codes').map(operatorCode)
  const budget = denseBudget()
  const tensors = bounded(graph.tensors, MAX_TENSORS, 'tensors').map((table) =>
    readTensor(table, model.buffers, budget),
  )
  const known = (indices: number[] | undefined, optional = false): number[] => {
    for (const index of indices ?? []) {
      const valid = index < tensors.length && (index >= 0 || (optional && index === -1))
      if (!valid) {
        throw corrupt('operands that exist', `tensor ${index} of ${tensors.length}`)
      }
    }
    return indices ?? []
  }
  const operators = bounded(graph.operators, MAX_OPERATORS, 'operators').map((table): TfliteOperator => {
    const row = readRow(table, OPERATOR)
    const code = codes[row.opcodeIndex]
    if (code === undefined) {
      throw corrupt('an operator code', `index ${row.opcodeIndex} of ${codes.length}`)
    }
    return {
      ...code,
      inputs: known(row.inputs, true),
      outputs: known(row.outputs),
      options: row.options,
      customOptions: row.customOptions,
    }
  })
  unfold(operators, tensors)
  return {
    bytes: bytes.length,
    schemaVersion: model.version,
    description: model.description ?? '',
    tensors,
    inputs: known(graph.inputs),
    outputs: known(graph.outputs),
    operators,
    otherGraphs: model.subgraphs.length - 1,
    blobs: readBlobs(model.metadata, model.buffers),
  }
}

/** DENSIFY gives its input as it is: a sparse constant was unfolded when it was read. */
function unfold(operators: readonly TfliteOperator[], tensors: TfliteTensor[]): void {
  for (const { name, inputs, outputs } of operators) {
    const [from, to] = [inputs[0], outputs[0]]
    if (name === 'DENSIFY' && from !== undefined && to !== undefined && tensors[from]?.data !== undefined) {
      const { data, isSparse } = tensors[from]
      tensors[to] = { ...tensors[to]!, data, isSparse }
    }
  }
}

function bounded<T>(list: T[], limit: number, what: string): T[] {
  if (list.length > limit) {
    throw tooLarge(what, limit, list.length)
  }
  return list
}

const CUSTOM = OPERATOR_NAMES.indexOf('CUSTOM')

function operatorCode(table: Table): Pick<TfliteOperator, 'name' | 'isCustom' | 'version'> {
  const row = readRow(table, OPERATOR_CODE)
  const code = Math.max(row.builtinCode, row.deprecatedBuiltinCode)
  const isCustom = code === CUSTOM
  const name = isCustom ? (row.customCode ?? 'CUSTOM') : (OPERATOR_NAMES[code] ?? `operator ${code}`)
  return { name, isCustom, version: row.version }
}

function readTensor(table: Table, buffers: Table[], budget: DenseBudget): TfliteTensor {
  const row = readRow(table, TENSOR)
  const shape = row.shape ?? []
  const name = row.name ?? ''
  if (shape.length > MAX_RANK) {
    throw tooLarge('axes', MAX_RANK, shape.length)
  }
  if (shape.some((size) => size < 0)) {
    throw corrupt('sizes of 0 or more', `[${shape.join(', ')}]`)
  }
  const elements = elementCount(shape)
  if (elements > MAX_TENSOR_ELEMENTS) {
    throw tooLarge('values in a tensor', MAX_TENSOR_ELEMENTS, elements)
  }
  const type = TENSOR_TYPES[row.type] ?? 'other'
  const held = row.buffer === 0 ? undefined : bufferData(buffers, row.buffer)
  const bytesPerValue = type === 'other' ? Number.NaN : TYPE_BITS[type] / 8
  // Values of less than a byte share one, which no sparse file has.
  const isUnfolded = row.sparsity !== undefined && held !== undefined && Number.isInteger(bytesPerValue)
  const data = isUnfolded ? densify(row.sparsity!, held!, shape, bytesPerValue, budget) : held
  const isSparse = row.sparsity !== undefined && !isUnfolded
  if (data !== undefined && type !== 'other' && !isSparse) {
    const needed = Math.ceil((elements * TYPE_BITS[type]) / 8)
    if (data.length < needed) {
      throw corrupt(`${needed} bytes of constant "${name.slice(0, 80)}"`, `${data.length}`)
    }
  }
  return {
    name,
    type,
    shape,
    hasShape: shape.length > 0 || row.hasRank || data !== undefined,
    freeAxes: shape.flatMap((_, axis) => (row.shapeSignature?.[axis] === -1 ? [axis] : [])),
    data,
    quantization: readQuantization(row.quantization, shape),
    isVariable: row.isVariable,
    isSparse,
  }
}

function readQuantization(table: Table | undefined, shape: number[]): Quantization | undefined {
  if (table === undefined) {
    return undefined
  }
  const { scale, zeroPoint, quantizedDimension: axis } = readRow(table, QUANTIZATION)
  if (scale === undefined || scale.length === 0) {
    return undefined
  }
  const count = scale.length
  const zeroPoints = zeroPoint ?? scale.map(() => 0)
  const fits = count === 1 || (axis >= 0 && shape[axis] === count)
  if (!fits || (zeroPoints.length !== count && zeroPoints.length !== 1)) {
    throw corrupt('a scale for the tensor or for each index of an axis', `${count} scales, axis ${axis}`)
  }
  if (scale.some((value) => !(value >= 0 && value < Number.POSITIVE_INFINITY))) {
    throw corrupt('scales above 0', 'others')
  }
  return {
    scales: scale,
    zeroPoints: zeroPoints.length === count ? zeroPoints : scale.map(() => zeroPoints[0]!),
    axis: count === 1 ? 0 : axis,
  }
}

/** Undefined for the empty buffer of an activation. */
function bufferData(buffers: Table[], index: number): Uint8Array | undefined {
  const table = buffers[index]
  if (table === undefined) {
    throw corrupt('a buffer that exists', `${index} of ${buffers.length}`)
  }
  const { data, offset, size } = readRow(table, BUFFER)
  if (offset > 1) {
    const file = table.buffer.bytes
    if (offset + size > file.length) {
      throw corrupt('a buffer inside the file', `end at ${offset + size}`)
    }
    return file.subarray(offset, offset + size)
  }
  return data === undefined || data.length === 0 ? undefined : data
}

function readBlobs(entries: Table[], buffers: Table[]): Map<string, Uint8Array> {
  const blobs = new Map<string, Uint8Array>()
  for (const table of bounded(entries, MAX_METADATA_ENTRIES, 'metadata entries')) {
    const { name, buffer } = readRow(table, METADATA)
    const data = bufferData(buffers, buffer)
    if (name !== undefined && data !== undefined) {
      blobs.set(name, data)
    }
  }
  return blobs
}
