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
  type?: 'float32' | 'int64'
  /** What the output always is. */
  values: readonly number[]
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
): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    producerName: 'boxlet-test',
    opsetImport: [{ domain: '', version: 17n }],
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    graph: {
      name: 'constant',
      input: inputs.map(valueInfo),
      output: outputs.map(valueInfo),
      node: outputs.map(({ name, shape, type = 'float32', values }) => ({
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
              rawData: new Uint8Array(
                type === 'int64'
                  ? BigInt64Array.from(values, BigInt).buffer
                  : Float32Array.from(values).buffer,
              ),
            },
          },
        ],
      })),
    },
  })
  return toBinary(ModelProtoSchema, model)
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
