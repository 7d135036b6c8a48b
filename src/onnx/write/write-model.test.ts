import { fromBinary } from '@bufbuild/protobuf'
import { AttributeProto_AttributeType as Kind, ModelProtoSchema } from 'onnx-buf'
import { describe, expect, it } from 'vitest'
import { openSession } from '../../runtime/session.ts'
import { readOnnx } from '../read/reader.ts'
import { GraphBuilder } from './graph-builder.ts'
import { OPSET, writeModel } from './write-model.ts'

const PRODUCER = { name: 'TensorFlow Lite', version: '2.9' }

function small(): GraphBuilder {
  const graph = new GraphBuilder('small')
  const input = graph.input('x', 'float32', ['batch', 3])
  graph.scope = 'here'
  const turned = graph.node('Transpose', [input], { perm: [1, 0] })
  const leaky = graph.node('LeakyRelu', [turned], { alpha: { float: 0.25 } })
  graph.node('Concat', [leaky, graph.float32([1, -2, 3, 4, 5, 6], [3, 2])], { axis: -1 }, 'y')
  graph.node('Cast', [leaky], { to: { type: 'int64' } })
  graph.outputs.push({ name: 'y', type: 'float32', shape: undefined })
  graph.prune()
  return graph
}

const read = (bytes: Uint8Array) => fromBinary(ModelProtoSchema, bytes)

describe('a written model', () => {
  const bytes = writeModel(small(), { producer: PRODUCER, metadata: { names: '{"0":"köter"}' } }).finish()
  const model = read(bytes)

  it('is what another protobuf library reads', () => {
    expect(model.producerName).toBe('TensorFlow Lite')
    expect(model.opsetImport.map(({ version }) => Number(version))).toEqual([OPSET])
    expect(model.metadataProps.map(({ key, value }) => [key, value])).toEqual([['names', '{"0":"köter"}']])
    const nodes = model.graph!.node
    expect(nodes.map(({ opType }) => opType)).toEqual(['Transpose', 'LeakyRelu', 'Concat'])
    expect(nodes[0]!.attribute[0]!.ints.map(Number)).toEqual([1, 0])
    expect(nodes[1]!.attribute[0]!.f).toBe(0.25)
    expect(Number(nodes[2]!.attribute[0]!.i)).toBe(-1)
    expect(model.graph!.initializer[0]!.dims.map(Number)).toEqual([3, 2])
  })

  it('is what our own reader reads', () => {
    const { inputs, outputs, metadata, producer } = readOnnx(bytes)
    expect(inputs).toEqual([{ name: 'x', type: 'float32', shape: ['batch', 3] }])
    expect(outputs).toEqual([{ name: 'y', type: 'float32', shape: undefined }])
    expect({ metadata, producer }).toEqual({ metadata: { names: '{"0":"köter"}' }, producer: PRODUCER })
  })

  it('runs', async () => {
    const session = await openSession(bytes, { threads: 1 })
    const x = { type: 'float32' as const, dims: [1, 3], data: Float32Array.of(8, -8, 0) }
    const { data } = (await session.run(new Map([['x', x]]))).get('y')!
    expect([...data]).toEqual([8, 1, -2, -2, 3, 4, 0, 5, 6])
    await session.release()
  })

  it('leaves out what no output needs', () => {
    expect(model.graph!.node.some(({ opType }) => opType === 'Cast')).toBe(false)
  })
})

describe('attributes', () => {
  it('are written by their kinds', () => {
    const graph = new GraphBuilder('g')
    graph.add({
      op: 'com.example:Any',
      inputs: ['', 'x'],
      outputs: ['y'],
      attributes: {
        text: 'half',
        floats: { floats: [0.5, -1] },
        strings: { strings: ['a', 'b'] },
        value: { tensor: { type: 'float16', dims: [2], data: Uint16Array.of(0x3c00, 0xbc00) } },
        body: { graph: small() },
      },
    })
    const { node } = read(writeModel(graph, { producer: PRODUCER }).finish()).graph!
    const [{ domain, opType, input, attribute } = {} as never] = node
    expect({ domain, opType, input }).toEqual({ domain: 'com.example', opType: 'Any', input: ['', 'x'] })
    expect(attribute.map(({ name, type }) => [name, type])).toEqual([
      ['text', Kind.STRING],
      ['floats', Kind.FLOATS],
      ['strings', Kind.STRINGS],
      ['value', Kind.TENSOR],
      ['body', Kind.GRAPH],
    ])
    expect(new TextDecoder().decode(attribute[0]!.s)).toBe('half')
    expect(attribute[1]!.floats).toEqual([0.5, -1])
    expect(attribute[2]!.strings.map((text) => new TextDecoder().decode(text))).toEqual(['a', 'b'])
    expect([...attribute[3]!.t!.rawData]).toEqual([0, 0x3c, 0, 0xbc])
    expect(attribute[4]!.g!.node.map(({ opType }) => opType)).toEqual(['Transpose', 'LeakyRelu', 'Concat'])
  })
})

describe('weights', () => {
  it('are made one after the other, when the file is written', () => {
    const graph = new GraphBuilder('g')
    const made: string[] = []
    for (const wish of ['a', 'b']) {
      graph.constant(
        'float32',
        [1024],
        () => {
          made.push(wish)
          return new Float32Array(1024).fill(1)
        },
        wish,
      )
    }
    const file = writeModel(graph, { producer: PRODUCER })
    expect(made).toEqual([])
    const lengths = []
    for (const part of file.parts()) {
      lengths.push([made.length, part.length])
    }
    expect(lengths.filter(([, length]) => length === 4096)).toEqual([
      [1, 4096],
      [2, 4096],
    ])
    expect(read(file.finish()).graph!.initializer.map(({ name, rawData }) => [name, rawData.length])).toEqual(
      [
        ['a', 4096],
        ['b', 4096],
      ],
    )
  })

  it.each([
    ['at once', () => Float32Array.of(1, 2, 3)],
    ['later', () => () => Float32Array.of(1, 2, 3)],
  ])('that are not as many as their sizes say are refused, %s', (_, data) => {
    const graph = new GraphBuilder('g')
    graph.constant('float32', [4], data())
    expect(() => writeModel(graph, { producer: PRODUCER }).finish()).toThrow(RangeError)
  })

  it('that no protobuf message can hold are refused before one is made', () => {
    const graph = new GraphBuilder('g')
    graph.constant('float32', [2 ** 29], () => expect.unreachable())
    expect(() => writeModel(graph, { producer: PRODUCER })).toThrow(
      expect.objectContaining({ code: 'MODEL_LIMIT' }),
    )
  })
})

describe('GraphBuilder', () => {
  it('gives no name twice', () => {
    const graph = new GraphBuilder('g')
    const names = ['a', 'a', 'a_0', '', ''].map((wish) => graph.unique(wish))
    expect(new Set(names).size).toBe(names.length)
  })

  it('keeps equal small constants once', () => {
    const graph = new GraphBuilder('g')
    expect(graph.int64([1, 2])).toBe(graph.int64([1, 2]))
    expect(graph.int64([1, 2])).not.toBe(graph.int32([1, 2]))
    expect(graph.scalar(0)).not.toBe(graph.scalar(-0))
  })

  it('keeps what only the body of a node reads', () => {
    const graph = new GraphBuilder('g')
    const outer = graph.node('Relu', [graph.input('x', 'float32', [1])])
    const body = new GraphBuilder('body')
    body.outputs.push({ name: body.node('Neg', [outer], {}, 'inner'), type: 'float32', shape: [1] })
    const condition = graph.input('c', 'bool', [])
    graph.node('If', [condition], { then_branch: { graph: body }, else_branch: { graph: body } }, 'y')
    graph.outputs.push({ name: 'y', type: 'float32', shape: [1] })
    graph.prune()
    expect(graph.nodes.map(({ op }) => op)).toEqual(['Relu', 'If'])
  })

  it('refuses sizes that are no whole numbers', () => {
    expect(() => new GraphBuilder('g').int64([1.5])).toThrow(RangeError)
  })
})
