import * as v from 'valibot'
import type { RawTensorInfo } from '../../../detector/detectors.ts'
import { BoxletError } from '../../../errors.ts'
import type { Tensor } from '../../../model/tensor.ts'
import { count, opaque, text } from '../../../system/schema.ts'
import { parseJsonObject, readJson } from '../../json-body.ts'
import { type JsonBounds, REQUEST_BOUNDS } from '../../json-bounds.ts'
import { DATA_TYPES, protocolName } from './datatype.ts'

/** Detectors have inputs of rank four at most; more dimensions only serve to overflow a product. */
const MAX_RANK = 8
const MAX_TENSORS = 32
/** Of a request as text; a picture of 1280 × 1280 has 5 million. Larger tensors are sent as bytes. */
const MAX_NUMBERS = 2 ** 23

const parameters = v.optional(v.record(v.string(), v.unknown()))
const tensorName = text(200)

export const inferRequest = v.object({
  id: v.optional(v.pipe(v.string(), v.maxLength(200))),
  parameters,
  inputs: v.pipe(
    v.array(
      v.object({
        name: tensorName,
        shape: v.pipe(v.array(count), v.maxLength(MAX_RANK)),
        datatype: v.pipe(v.string(), v.maxLength(16)),
        parameters,
        // Half a million numbers: looked at once, where their type is known.
        data: v.optional(opaque<unknown[]>('array', 'Row-major, flat or nested; absent where bytes follow.')),
      }),
    ),
    v.minLength(1),
    v.maxLength(MAX_TENSORS),
  ),
  outputs: v.optional(v.pipe(v.array(v.object({ name: tensorName, parameters })), v.maxLength(MAX_TENSORS))),
})

export interface InferRequest {
  id: string | undefined
  feeds: Map<string, Tensor>
  /** Outputs to send, in order, and whether each goes as bytes; all of them as JSON by default. */
  outputs: { name: string; binary: boolean }[] | undefined
  /** For outputs that are not named. */
  binaryByDefault: boolean
}

/**
 * Reads an inference request: JSON, or JSON followed by raw bytes where `Inference-Header-Content-Length`
 * says how long the JSON is (the binary tensor data extension).
 *
 * @throws BoxletError REQUEST_INVALID
 */
export function parseInferRequest(
  body: Uint8Array,
  headerLength: string | undefined,
  expected: readonly RawTensorInfo[],
): InferRequest {
  // An empty header would be 0 to Number.
  const isCount = headerLength === undefined || /^\d{1,15}$/.test(headerLength)
  const jsonBytes = headerLength === undefined ? body.byteLength : Number(headerLength)
  if (!isCount || jsonBytes > body.byteLength) {
    throw invalid('Expected a length within the body for Inference-Header-Content-Length.')
  }
  const given = parseJsonObject(body.subarray(0, jsonBytes), boundsFor(expected))
  const { id, inputs, outputs, parameters } = readJson(inferRequest, given)
  const feeds = new Map<string, Tensor>()
  let offset = jsonBytes
  for (const input of inputs) {
    const info = expected.find(({ name }) => name === input.name)
    if (info === undefined || feeds.has(input.name)) {
      throw invalid(`Expected each input of the model once: ${expected.map(({ name }) => name).join(', ')}.`)
    }
    const size = input.parameters?.binary_data_size
    const raw = size === undefined ? undefined : slice(body, offset, size)
    offset += raw?.byteLength ?? 0
    feeds.set(input.name, toTensor(input, info, raw))
  }
  const missing = expected.find(({ name }) => !feeds.has(name))
  if (missing !== undefined) {
    throw invalid(`Expected the input ${missing.name} of the model but received none.`)
  }
  if (offset !== body.byteLength) {
    throw invalid('Expected no bytes after the last tensor but received some.')
  }
  const binaryByDefault = parameters?.binary_data_output === true
  const wanted = outputs?.map(({ name, parameters: own }) => ({
    name,
    binary: own?.binary_data === undefined ? binaryByDefault : own.binary_data === true,
  }))
  return { id, feeds, outputs: wanted, binaryByDefault }
}

/** Each element once, and its list at the worst; the rest of a request is small. */
function boundsFor(expected: readonly RawTensorInfo[]): JsonBounds {
  const elements = expected.reduce((sum, { shape }) => {
    const isFixed = shape.every((edge) => typeof edge === 'number' && edge >= 0)
    return sum + (isFixed ? shape.reduce<number>((product, edge) => product * Number(edge), 1) : MAX_NUMBERS)
  }, 0)
  return {
    ...REQUEST_BOUNDS,
    values: 2 * Math.min(elements, MAX_NUMBERS) + REQUEST_BOUNDS.values,
    plainBytes: Number.POSITIVE_INFINITY,
  }
}

function toTensor(
  input: { name: string; shape: number[]; datatype: string; data?: unknown[] | undefined },
  info: RawTensorInfo,
  raw: Uint8Array | undefined,
): Tensor {
  const type = DATA_TYPES[info.type]
  if (type === undefined || input.datatype !== type.protocol) {
    throw invalid(`Expected the datatype ${protocolName(info.type)} for ${input.name} but received another.`)
  }
  const fits =
    input.shape.length === info.shape.length &&
    info.shape.every((edge, axis) => typeof edge !== 'number' || edge < 0 || edge === input.shape[axis])
  if (!fits) {
    throw invalid(`Expected the shape [${info.shape.join(', ')}] for ${input.name} but received another.`)
  }
  const elements = input.shape.reduce((product, edge) => product * edge, 1)
  if (raw !== undefined) {
    if (raw.byteLength !== elements * type.bytes) {
      throw invalid(
        `Expected ${elements * type.bytes} bytes for ${input.name} but received ${raw.byteLength}.`,
      )
    }
    // A copy of its own, since the part of the body need not be aligned.
    return { type: info.type, dims: input.shape, data: type.view(raw.slice().buffer) }
  }
  const values = input.data === undefined ? undefined : flatten(input.data, elements)
  const data = values?.length === elements ? type.fromJson(values) : undefined
  if (data === undefined) {
    throw invalid(`Expected ${elements} values of ${type.protocol} for the data of ${input.name}.`)
  }
  return { type: info.type, dims: input.shape, data }
}

/** Data may come flat or nested as the shape is; row-major either way. */
function flatten(data: unknown[], elements: number): unknown[] {
  if (!data.some(Array.isArray)) {
    return data
  }
  const flat = data.flat(MAX_RANK)
  return flat.length > elements ? [] : flat
}

function slice(body: Uint8Array, offset: number, size: unknown): Uint8Array {
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || offset + size > body.byteLength) {
    throw invalid('Expected a size within the body for binary_data_size.')
  }
  return body.subarray(offset, offset + size)
}

const invalid = (message: string) => new BoxletError('REQUEST_INVALID', message)
