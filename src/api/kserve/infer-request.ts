import { z } from 'zod'
import { BoxletError } from '../../errors.ts'
import type { Tensor } from '../../model/tensor.ts'
import { parseJsonObject } from '../json-body.ts'
import type { RawTensorInfo } from '../options.ts'
import { DATA_TYPES, protocolName } from './datatype.ts'

/** Detectors have inputs of rank four at most; more dimensions only serve to overflow a product. */
const MAX_RANK = 8
const MAX_TENSORS = 32

const parameters = z.record(z.string(), z.unknown()).optional()
const schema = z.object({
  id: z.string().max(200).optional(),
  parameters,
  inputs: z
    .array(
      z.object({
        name: z.string().min(1).max(200),
        shape: z.array(z.int().min(0)).max(MAX_RANK),
        datatype: z.string().max(16),
        parameters,
        // Half a million numbers: looked at once, where their type is known.
        data: z.custom<unknown[]>((value) => Array.isArray(value)).optional(),
      }),
    )
    .min(1)
    .max(MAX_TENSORS),
  outputs: z
    .array(z.object({ name: z.string().min(1).max(200), parameters }))
    .max(MAX_TENSORS)
    .optional(),
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
  const jsonBytes = headerLength === undefined ? body.byteLength : Number(headerLength)
  if (!Number.isInteger(jsonBytes) || jsonBytes < 0 || jsonBytes > body.byteLength)
    throw invalid('Expected a length within the body for Inference-Header-Content-Length.')
  const parsed = schema.safeParse(parseJsonObject(body.subarray(0, jsonBytes)))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw invalid(
      `Expected a valid ${issue?.path.join('.') || 'inference request'} but received another: ${issue?.message}.`,
    )
  }
  const { id, inputs, outputs, parameters } = parsed.data
  const feeds = new Map<string, Tensor>()
  let offset = jsonBytes
  for (const input of inputs) {
    const info = expected.find(({ name }) => name === input.name)
    if (info === undefined || feeds.has(input.name))
      throw invalid(`Expected each input of the model once: ${expected.map(({ name }) => name).join(', ')}.`)
    const size = input.parameters?.binary_data_size
    const raw = size === undefined ? undefined : slice(body, offset, size)
    offset += raw?.byteLength ?? 0
    feeds.set(input.name, toTensor(input, info, raw))
  }
  const missing = expected.find(({ name }) => !feeds.has(name))
  if (missing !== undefined)
    throw invalid(`Expected the input ${missing.name} of the model but received none.`)
  if (offset !== body.byteLength) throw invalid('Expected no bytes after the last tensor but received some.')
  const binaryByDefault = parameters?.binary_data_output === true
  const wanted = outputs?.map(({ name, parameters: own }) => ({
    name,
    binary: own?.binary_data === undefined ? binaryByDefault : own.binary_data === true,
  }))
  return { id, feeds, outputs: wanted, binaryByDefault }
}

function toTensor(
  input: { name: string; shape: number[]; datatype: string; data?: unknown[] | undefined },
  info: RawTensorInfo,
  raw: Uint8Array | undefined,
): Tensor {
  const type = DATA_TYPES[info.type]
  if (type === undefined || input.datatype !== type.protocol)
    throw invalid(`Expected the datatype ${protocolName(info.type)} for ${input.name} but received another.`)
  const fits =
    input.shape.length === info.shape.length &&
    info.shape.every((edge, axis) => typeof edge !== 'number' || edge < 0 || edge === input.shape[axis])
  if (!fits)
    throw invalid(`Expected the shape [${info.shape.join(', ')}] for ${input.name} but received another.`)
  const elements = input.shape.reduce((product, edge) => product * edge, 1)
  if (raw !== undefined) {
    if (raw.byteLength !== elements * type.bytes)
      throw invalid(
        `Expected ${elements * type.bytes} bytes for ${input.name} but received ${raw.byteLength}.`,
      )
    // A copy of its own, since the part of the body need not be aligned.
    return { type: info.type, dims: input.shape, data: type.view(raw.slice().buffer) }
  }
  const values = input.data === undefined ? undefined : flatten(input.data, elements)
  const data = values?.length === elements ? type.fromJson(values) : undefined
  if (data === undefined)
    throw invalid(`Expected ${elements} values of ${type.protocol} for the data of ${input.name}.`)
  return { type: info.type, dims: input.shape, data }
}

/** Data may come flat or nested as the shape is; row-major either way. */
function flatten(data: unknown[], elements: number): unknown[] {
  if (!data.some(Array.isArray)) return data
  const flat = data.flat(MAX_RANK)
  return flat.length > elements ? [] : flat
}

function slice(body: Uint8Array, offset: number, size: unknown): Uint8Array {
  if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || offset + size > body.byteLength)
    throw invalid('Expected a size within the body for binary_data_size.')
  return body.subarray(offset, offset + size)
}

const invalid = (message: string) => new BoxletError('REQUEST_INVALID', message)
