import type { ElementType } from '../../src/onnx/types.ts'
import type { NewNode, NewValue } from '../../src/onnx/write/encode.ts'
import { GraphBuilder } from '../../src/onnx/write/graph-builder.ts'
import { writeModel } from '../../src/onnx/write/write-model.ts'

/** Builds small ONNX files with a wanted signature, so that decoders meet the real runtime without real weights. */

export interface GraphInput {
  name: string
  shape: (number | string)[]
  type?: 'float32' | 'float16' | 'uint8' | 'int64' | 'int32'
}

export interface GraphOutput {
  name: string
  shape: (number | string)[]
  type?: 'float32' | 'float16' | 'int64' | 'int32' | 'uint8'
  /** What the output always is; bits for float16. */
  values: ArrayLike<number>
  /** What the file says of the shape where that is not all of it; null for nothing. */
  declares?: (number | string)[] | null
  /** Keeps the values as an initializer, as weights are kept. */
  stored?: boolean
}

/** What a file says beside its tensors. */
export interface GraphFacts {
  producer?: string
  /** Operators that occur somewhere in the graph, though nothing reads them. */
  ops?: ('NonMaxSuppression' | 'TopK')[]
}

/** A model that takes the inputs and always gives the same outputs. */
export function constantModel(
  inputs: readonly GraphInput[],
  outputs: readonly GraphOutput[],
  metadata: Record<string, string> = {},
  { producer = 'boxlet-test', ops = [] }: GraphFacts = {},
): Uint8Array {
  const graph = new GraphBuilder('constant')
  graph.inputs.push(...inputs.map(valueInfo))
  graph.outputs.push(
    ...outputs.map((output) => ({
      ...valueInfo(output),
      ...(output.declares === undefined ? {} : { shape: output.declares ?? undefined }),
    })),
  )
  for (const op of ops) {
    addUnread(graph, op)
  }
  for (const { name, shape, type = 'float32', values, stored } of outputs) {
    const dims = concrete(shape, values.length)
    if (stored) {
      graph.node('Identity', [graph.constant(type, dims, rawData(type, values), `${name}_stored`)], {}, name)
      continue
    }
    graph.add(constantNode(name, type, dims, values))
  }
  return writeModel(graph, { producer: { name: producer, version: '' }, metadata }).finish()
}

function constantNode(name: string, type: ElementType, dims: number[], values: ArrayLike<number>): NewNode {
  const tensor = { type, dims, data: rawData(type, values) }
  return {
    op: 'Constant',
    name: `${name}_node`,
    inputs: [],
    outputs: [name],
    attributes: { value: { tensor } },
  }
}

function rawData(type: ElementType, values: ArrayLike<number>): ArrayBufferView {
  switch (type) {
    case 'int64':
      return BigInt64Array.from(Array.from(values), BigInt)
    case 'int32':
      return Int32Array.from(values)
    case 'float16':
      return Uint16Array.from(values)
    case 'uint8':
      return Uint8Array.from(values)
    default:
      return Float32Array.from(values)
  }
}

/** A node of the kind with constants for inputs, and the constants. */
function addUnread(graph: GraphBuilder, op: 'NonMaxSuppression' | 'TopK'): void {
  const shapes =
    op === 'TopK'
      ? [[2], [1]]
      : [
          [1, 1, 4],
          [1, 1, 1],
        ]
  const inputs = shapes.map((shape, i) => {
    const name = `${op}_input${i}`
    const values = new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(1)
    graph.add(constantNode(name, op === 'TopK' && i === 1 ? 'int64' : 'float32', shape, values))
    return name
  })
  const outputs = op === 'TopK' ? ['topk_values', 'topk_indices'] : ['nms_selected']
  graph.add({ op, name: op, inputs, outputs })
}

/** Free axes of an output take what the values leave. */
function concrete(shape: readonly (number | string)[], count: number): number[] {
  const known = shape.reduce<number>(
    (product, axis) => (typeof axis === 'number' ? product * axis : product),
    1,
  )
  return shape.map((axis) => (typeof axis === 'number' ? axis : count / known))
}

const valueInfo = ({ name, shape, type = 'float32' }: GraphInput | GraphOutput): NewValue => ({
  name,
  type,
  shape,
})

/** A YOLOv8 head, channels first: each row is centre x, centre y, width, height and the class scores. */
export function yolov8Head(rows: readonly (readonly number[])[], cells: number, channels: number): number[] {
  const values = new Array<number>(channels * cells).fill(0)
  rows.forEach((row, cell) => {
    row.forEach((value, channel) => {
      values[channel * cells + cell] = value
    })
  })
  return values
}
