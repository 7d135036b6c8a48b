import { create, toBinary } from '@bufbuild/protobuf'
import {
  type AttributeProto,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  AttributeProto_AttributeType as Kind,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from 'onnx-buf'

/** ONNX by another library than Boxlet's own, which would refuse to write what the files here are made of. */

const FLOAT = 1
const INT64 = 7

export type Attributes = Record<string, bigint | bigint[] | number[] | TensorProto | GraphProto>

export const node = (
  opType: string,
  input: string[],
  output: string[],
  attributes: Attributes = {},
): NodeProto =>
  create(NodeProtoSchema, {
    opType,
    input,
    output,
    attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  })

function attribute(name: string, value: Attributes[string]): AttributeProto {
  if (typeof value === 'bigint') {
    return create(AttributeProtoSchema, { name, i: value, type: Kind.INT })
  }
  if (Array.isArray(value)) {
    return typeof value[0] === 'number'
      ? create(AttributeProtoSchema, { name, floats: value as number[], type: Kind.FLOATS })
      : create(AttributeProtoSchema, { name, ints: value as bigint[], type: Kind.INTS })
  }
  return value.$typeName === 'onnx.GraphProto'
    ? create(AttributeProtoSchema, { name, g: value as GraphProto, type: Kind.GRAPH })
    : create(AttributeProtoSchema, { name, t: value as TensorProto, type: Kind.TENSOR })
}

/** Sizes or places, as a constant. */
export const sizes = (name: string, values: (bigint | number)[], dims = [values.length]): TensorProto =>
  create(TensorProtoSchema, {
    name,
    dataType: INT64,
    dims: dims.map(BigInt),
    int64Data: values.map(BigInt),
  })

export const floats = (name: string, values: number[], dims: (bigint | number)[]): TensorProto =>
  create(TensorProtoSchema, { name, dataType: FLOAT, dims: dims.map(BigInt), floatData: values })

export const value = (name: string, shape: (bigint | number | string)[], elemType = FLOAT): ValueInfoProto =>
  create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: 'tensorType',
        value: {
          elemType,
          shape: {
            dim: shape.map((size) =>
              create(TensorShapeProto_DimensionSchema, {
                value:
                  typeof size === 'string'
                    ? { case: 'dimParam', value: size }
                    : { case: 'dimValue', value: BigInt(size) },
              }),
            ),
          },
        },
      },
    },
  })

export interface Parts {
  nodes: NodeProto[]
  constants?: TensorProto[]
  inputs?: ValueInfoProto[]
  outputs?: ValueInfoProto[]
}

export const graph = ({ nodes, constants = [], inputs = [], outputs = [] }: Parts): GraphProto =>
  create(GraphProtoSchema, { name: 'g', node: nodes, initializer: constants, input: inputs, output: outputs })

/** A whole file. A picture comes in as x and an output of open axes goes out as y unless said otherwise. */
export const file = (parts: Parts, metadata: Record<string, string> = {}): Uint8Array =>
  toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ domain: '', version: 17n }],
      graph: graph({
        inputs: [value('x', [1, 3, 64, 64])],
        outputs: [value('y', ['a', 'b', 'c'])],
        ...parts,
      }),
      metadataProps: Object.entries(metadata).map(([key, text]) => ({ key, value: text })),
    }),
  )
