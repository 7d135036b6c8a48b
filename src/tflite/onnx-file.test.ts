import { fromBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { OPSET, writeOnnx } from './onnx-file.ts'
import { OnnxGraph } from './onnx-graph.ts'

function small(): OnnxGraph {
  const graph = new OnnxGraph()
  const input = graph.unique('x')
  graph.inputs.push({ name: input, type: 'float32', dims: ['batch', 3] })
  graph.scope = 'here'
  const moved = graph.node('Transpose', [input], { perm: [1, 0] })
  const clipped = graph.node('LeakyRelu', [moved], { alpha: { float: 0.25 } })
  graph.node('Concat', [clipped, graph.float32([1, -2], [2, 1])], { axis: -1 }, 'y')
  graph.node('Cast', [clipped], { to: { onnxType: 'int64' } })
  graph.outputs.push({ name: 'y', type: 'float32', dims: undefined })
  graph.prune()
  return graph
}

describe('writeOnnx', () => {
  const bytes = writeOnnx(small(), { names: '{"0":"köter"}' }, { name: 'TensorFlow Lite', version: '2.9' })
  const model = fromBinary(ModelProtoSchema, bytes)

  it('writes what another protobuf library reads', () => {
    expect(model.producerName).toBe('TensorFlow Lite')
    expect(model.opsetImport.map(({ version }) => Number(version))).toEqual([OPSET])
    expect(model.metadataProps.map(({ key, value }) => [key, value])).toEqual([['names', '{"0":"köter"}']])
    const nodes = model.graph!.node
    expect(nodes.map(({ opType }) => opType)).toEqual(['Transpose', 'LeakyRelu', 'Concat'])
    expect(nodes[0]!.attribute[0]!.ints.map(Number)).toEqual([1, 0])
    expect(nodes[1]!.attribute[0]!.f).toBe(0.25)
    expect(Number(nodes[2]!.attribute[0]!.i)).toBe(-1)
    expect(model.graph!.initializer[0]!.dims.map(Number)).toEqual([2, 1])
  })

  it('leaves out what no output needs', () => {
    expect(model.graph!.node.some(({ opType }) => opType === 'Cast')).toBe(false)
  })
})

describe('OnnxGraph', () => {
  it('gives no name twice', () => {
    const graph = new OnnxGraph()
    const names = [
      graph.unique('a'),
      graph.unique('a'),
      graph.unique('a_0'),
      graph.unique(''),
      graph.unique(''),
    ]
    expect(new Set(names).size).toBe(names.length)
  })

  it('keeps equal small constants once', () => {
    const graph = new OnnxGraph()
    expect(graph.int64([1, 2])).toBe(graph.int64([1, 2]))
    expect(graph.int64([1, 2])).not.toBe(graph.int32([1, 2]))
  })
})
