import type { OnnxTensor } from '../model.ts'
import { Cursor, viewOf } from '../read/cursor.ts'
import { parseModel } from '../read/parse.ts'
import { MessageWriter } from './message-writer.ts'

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
  const small = new MessageWriter()
  const weights = new MessageWriter()
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
      small.raw(view.subarray(from, at.at))
      continue
    }
    const place = { location, offset: weights.length, length: raw.length }
    small.message(INITIALIZER, (inner) => writeReference(inner, tensor, place))
    weights.raw(raw).raw(new Uint8Array(-raw.length & (ALIGNMENT - 1)))
  }
  return weights.length === 0
    ? undefined
    : { graph: withGraph(bytes, small).finish(), weights: weights.finish() }
}

function rawOf({ raw, external }: OnnxTensor, view: Buffer): Uint8Array | undefined {
  if (raw === undefined || external || raw.end - raw.start < LEAST_BYTES) {
    return undefined
  }
  return view.subarray(raw.start, raw.end)
}

function writeReference(
  writer: MessageWriter,
  { name, dims, typeCode }: OnnxTensor,
  place: { location: string; offset: number; length: number },
): void {
  for (const size of dims) {
    writer.int(1, size)
  }
  writer.int(2, typeCode).text(8, name)
  for (const [key, value] of Object.entries(place)) {
    writer.message(13, (entry) => entry.text(1, key).text(2, `${value}`))
  }
  writer.int(14, EXTERNAL)
}

function withGraph(bytes: Uint8Array, graph: MessageWriter): MessageWriter {
  const view = viewOf(bytes)
  const writer = new MessageWriter()
  const at = new Cursor(view)
  for (let from = at.at, field = at.field(); field !== 0; from = at.at, field = at.field()) {
    at.skip()
    if (field === GRAPH) {
      writer.append(GRAPH, graph)
    } else {
      writer.raw(view.subarray(from, at.at))
    }
  }
  return writer
}
