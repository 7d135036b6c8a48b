import { create, toBinary } from '@bufbuild/protobuf'
import {
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  ModelProtoSchema,
} from 'onnx-buf'

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
}

/** What a file says beside its tensors. */
export interface GraphFacts {
  producer?: string
  /** Operators that occur somewhere in the graph, though nothing reads them. */
  ops?: ('NonMaxSuppression' | 'TopK')[]
}

const TYPES = {
  float32: DataType.FLOAT,
  float16: DataType.FLOAT16,
  uint8: DataType.UINT8,
  int64: DataType.INT64,
  int32: DataType.INT32,
} as const

/** A model that takes the inputs and always gives the same outputs. */
export function constantModel(
  inputs: readonly GraphInput[],
  outputs: readonly GraphOutput[],
  metadata: Record<string, string> = {},
  { producer = 'boxlet-test', ops = [] }: GraphFacts = {},
): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    producerName: producer,
    opsetImport: [{ domain: '', version: 17n }],
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    graph: {
      name: 'constant',
      input: inputs.map(valueInfo),
      output: outputs.map(valueInfo),
      node: [
        ...ops.flatMap(unreadNode),
        ...outputs.map(({ name, shape, type = 'float32', values }) => ({
          opType: 'Constant',
          name: `${name}_node`,
          output: [name],
          attribute: [
            {
              name: 'value',
              type: AttributeType.TENSOR,
              t: {
                dataType: TYPES[type],
                dims: concrete(shape, values.length).map(BigInt),
                rawData: rawData(type, values),
              },
            },
          ],
        })),
      ],
    },
  })
  return toBinary(ModelProtoSchema, model)
}

function rawData(type: NonNullable<GraphOutput['type']>, values: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  if (type === 'int64') {
    return new Uint8Array(BigInt64Array.from(Array.from(values), BigInt).buffer)
  }
  if (type === 'int32') {
    return new Uint8Array(Int32Array.from(values).buffer)
  }
  if (type === 'float16') {
    return new Uint8Array(Uint16Array.from(values).buffer)
  }
  if (type === 'uint8') {
    return Uint8Array.from(values)
  }
  return new Uint8Array(Float32Array.from(values).buffer)
}

/** A node of the kind with constants for inputs, and the constants. */
function unreadNode(opType: 'NonMaxSuppression' | 'TopK') {
  const shapes =
    opType === 'TopK'
      ? [[2], [1]]
      : [
          [1, 1, 4],
          [1, 1, 1],
        ]
  const inputs = shapes.map((_, i) => `${opType}_input${i}`)
  const constants = shapes.map((shape, i) => {
    const isCount = opType === 'TopK' && i === 1
    const count = shape.reduce((a, b) => a * b, 1)
    const values = new Array<number>(count).fill(1)
    const t = {
      dataType: isCount ? DataType.INT64 : DataType.FLOAT,
      dims: shape.map(BigInt),
      rawData: rawData(isCount ? 'int64' : 'float32', values),
    }
    return {
      opType: 'Constant',
      name: `${inputs[i]}_node`,
      output: [inputs[i]!],
      attribute: [{ name: 'value', type: AttributeType.TENSOR, t }],
    }
  })
  const output = opType === 'TopK' ? ['topk_values', 'topk_indices'] : ['nms_selected']
  return [...constants, { opType, name: opType, input: inputs, output }]
}

/** Free axes of an output take what the values leave. */
function concrete(shape: readonly (number | string)[], count: number): number[] {
  const known = shape.reduce<number>(
    (product, axis) => (typeof axis === 'number' ? product * axis : product),
    1,
  )
  return shape.map((axis) => (typeof axis === 'number' ? axis : count / known))
}

const valueInfo = ({ name, shape, type = 'float32' }: GraphInput | GraphOutput) => ({
  name,
  type: {
    value: {
      case: 'tensorType' as const,
      value: {
        elemType: TYPES[type],
        shape: {
          dim: shape.map((axis) => ({
            value:
              typeof axis === 'number'
                ? { case: 'dimValue' as const, value: BigInt(axis) }
                : { case: 'dimParam' as const, value: axis },
          })),
        },
      },
    },
  },
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
