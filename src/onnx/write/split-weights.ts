import type { OnnxTensor } from '../model.ts'
import { Cursor, viewOf } from '../read/cursor.ts'
import { parseModel } from '../read/parse.ts'
import { bytesField, fieldHead, intField, join, textField } from './encode.ts'

/** Smaller values stay in the graph: shapes and sizes that the runtime computes with while it loads. */
const LEAST_BYTES = 1024
/** Of each tensor in the file of weights; vector code loads from here as from memory that the runtime allocates. */
const ALIGNMENT = 64
/** Fields of GraphProto and ModelProto, and `TensorProto.DataLocation.EXTERNAL`. */
const INITIALIZER = 5
const GRAPH = 7
const EXTERNAL = 1

/**
 * The same model as a small graph and a file of weights beside it. The runtime maps such a file into memory, where it
 * would copy weights inside the graph three times: a quarter of the time that a model takes to open.
 *
 * @param location name of the file of weights, which has to lie in the folder of the graph
 * @returns undefined where no tensor of some size is stored raw, as in the graph of a model without weights
 * @throws BoxletError MODEL_CORRUPT, MODEL_LIMIT as `readOnnx`
 */
export function splitWeights(
  bytes: Uint8Array,
  location: string,
): { graph: Uint8Array; weights: Uint8Array } | undefined {
  const { graph } = parseModel(bytes)
  const tensors = new Map([...graph.initializers.values()].map((tensor) => [tensor.range.start, tensor]))
  const view = viewOf(bytes)
  const parts: Uint8Array[] = []
  const weights: Uint8Array[] = []
  let offset = 0
  const at = new Cursor(view, graph.range.start, graph.range.end)
  for (let from = at.at, field = at.field(); field !== 0; from = at.at, field = at.field()) {
    let start = -1
    if (at.wire === 2) {
      start = at.message().start
    } else {
      at.skip()
    }
    const tensor = field === INITIALIZER ? tensors.get(start) : undefined
    const raw = tensor === undefined ? undefined : rawOf(tensor, view)
    if (tensor === undefined || raw === undefined) {
      parts.push(view.subarray(from, at.at))
      continue
    }
    parts.push(bytesField(INITIALIZER, reference(tensor, { location, offset, length: raw.length })))
    const padding = -raw.length & (ALIGNMENT - 1)
    weights.push(raw, new Uint8Array(padding))
    offset += raw.length + padding
  }
  return weights.length === 0 ? undefined : { graph: withGraph(bytes, join(parts)), weights: join(weights) }
}

function rawOf({ raw, external }: OnnxTensor, view: Buffer): Uint8Array | undefined {
  if (raw === undefined || external || raw.end - raw.start < LEAST_BYTES) {
    return undefined
  }
  return view.subarray(raw.start, raw.end)
}

function reference(
  { name, dims, typeCode }: OnnxTensor,
  place: { location: string; offset: number; length: number },
): Uint8Array {
  return join([
    ...dims.map((dim) => intField(1, dim)),
    intField(2, typeCode),
    textField(8, name),
    ...Object.entries(place).map(([key, value]) =>
      bytesField(13, join([textField(1, key), textField(2, String(value))])),
    ),
    intField(14, EXTERNAL),
  ])
}

function withGraph(bytes: Uint8Array, graph: Uint8Array): Uint8Array {
  const view = viewOf(bytes)
  const parts: Uint8Array[] = []
  const at = new Cursor(view)
  for (let from = at.at, field = at.field(); field !== 0; from = at.at, field = at.field()) {
    at.skip()
    if (field === GRAPH) {
      parts.push(fieldHead(GRAPH, graph.length), graph)
    } else {
      parts.push(view.subarray(from, at.at))
    }
  }
  return join(parts)
}
