import type { Attribute, OnnxGraph, OnnxPort, OnnxType } from './onnx-graph.ts'
import { MessageWriter } from './protobuf.ts'

/** First with everything the conversion emits; ONNX Runtime has known it since 1.12. */
export const OPSET = 17
/** The IR version that came with opset 17. */
const IR_VERSION = 8

/** TensorProto.DataType of onnx.proto. */
const TYPE_CODES: Record<OnnxType, number> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
}

/**
 * Writes the graph as an ONNX file. Field numbers are those of onnx.proto, named in the comments.
 *
 * @param metadata goes to `metadata_props`
 */
export function writeOnnx(
  graph: OnnxGraph,
  metadata: Record<string, string>,
  producer: { name: string; version: string },
): Uint8Array {
  const writer = new MessageWriter()
    .int(1, IR_VERSION)
    .text(2, producer.name)
    .text(3, producer.version)
    .message(7, (inner) => writeGraph(inner, graph))
    .message(8, (opset) => opset.text(1, '').int(2, OPSET)) // opset_import: domain, version
  for (const [key, value] of Object.entries(metadata)) {
    writer.message(14, (entry) => entry.text(1, key).text(2, value)) // metadata_props
  }
  return writer.finish()
}

function writeGraph(writer: MessageWriter, graph: OnnxGraph): void {
  for (const node of graph.nodes) {
    writer.message(1, (inner) => {
      for (const input of node.inputs) {
        inner.text(1, input)
      }
      for (const output of node.outputs) {
        inner.text(2, output)
      }
      inner.text(3, node.name).text(4, node.op)
      for (const [name, value] of Object.entries(node.attributes)) {
        inner.message(5, (attribute) => writeAttribute(attribute, name, value))
      }
    })
  }
  writer.text(2, 'tflite')
  for (const { name, type, dims, data } of graph.constants.values()) {
    writer.message(5, (tensor) => {
      for (const size of dims) {
        tensor.int(1, size)
      }
      tensor.int(2, TYPE_CODES[type]).text(8, name).bytes(9, data()) // data_type, name, raw_data
    })
  }
  for (const port of graph.inputs) {
    writer.message(11, (inner) => writePort(inner, port))
  }
  for (const port of graph.outputs) {
    writer.message(12, (inner) => writePort(inner, port))
  }
}

function writeAttribute(writer: MessageWriter, name: string, value: Attribute): void {
  writer.text(1, name)
  if (typeof value === 'number') {
    writer.int(3, value).int(20, 2)
  } else if (typeof value === 'string') {
    writer.text(4, value).int(20, 3)
  } else if ('float' in value) {
    writer.float(2, value.float).int(20, 1)
  } else if ('onnxType' in value) {
    writer.int(3, TYPE_CODES[value.onnxType]).int(20, 2)
  } else {
    for (const item of value) {
      writer.int(8, item)
    }
    writer.int(20, 7)
  }
}

function writePort(writer: MessageWriter, { name, type, dims }: OnnxPort): void {
  writer.text(1, name).message(2, (typeProto) =>
    typeProto.message(1, (tensor) => {
      tensor.int(1, TYPE_CODES[type])
      if (dims === undefined) {
        return
      }
      tensor.message(2, (shape) => {
        for (const size of dims) {
          shape.message(1, (dim) => (typeof size === 'number' ? dim.int(1, size) : dim.text(2, size)))
        }
      })
    }),
  )
}
