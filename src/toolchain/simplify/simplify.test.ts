import { describe, expect, it } from 'vitest'
import { corpusPath, hasCorpus } from '../../../test/support/corpus.ts'
import { tinyYolov8 } from '../../../test/support/yolov8-head.ts'
import { recognise } from '../../families/recognise.ts'
import type { Contract } from '../../model/contract.ts'
import { parseModel } from '../../onnx/read/parse.ts'
import { readOnnx } from '../../onnx/read/reader.ts'
import { GraphBuilder } from '../../onnx/write/graph-builder.ts'
import { writeModel } from '../../onnx/write/write-model.ts'
import { openSession } from '../../runtime/session.ts'
import { readDraft } from '../graph/read-draft.ts'
import { writeDraft } from '../graph/write-draft.ts'
import { bundledPictures } from '../measure/pictures.ts'
import { openSource } from '../source.ts'
import { noCounts } from './counts.ts'
import { applyPasses, simplifyModel } from './simplify.ts'

const contractOf = (bytes: Uint8Array): Contract => recognise(readOnnx(bytes), 'model').contract
/** As much of a contract as the passes look at. */
const PLAIN = {
  name: 'plain',
  input: { name: 'x', layout: 'NCHW', size: { width: 4, height: 4 } },
} as Contract

interface Made {
  graph: GraphBuilder
  /** Sizes of the input `x` and the output `y`. */
  x: (number | string)[]
  y: (number | string)[]
  opset: number
}

async function simplified({ graph, x, y, opset }: Made, options: Parameters<typeof applyPasses>[2] = {}) {
  graph.inputs.push({ name: 'x', type: 'float32', shape: x })
  graph.outputs.push({ name: 'y', type: 'float32', shape: y })
  const bytes = writeModel(graph, { producer: { name: 'test', version: '' }, opsets: { '': opset } }).finish()
  const draft = readDraft(bytes)
  const counts = noCounts()
  await applyPasses(draft, PLAIN, options, counts)
  const after = writeDraft(draft)
  const dims = x.map((size) => (typeof size === 'number' ? size : 4))
  const [a, b] = [await run(bytes, dims), await run(after, dims)]
  expect(b.length).toBe(a.length)
  for (const [at, value] of a.entries()) {
    expect(b[at]).toBeCloseTo(value, 4)
  }
  return { counts, ops: parseModel(after).graph.nodes.map(({ op }) => op), model: parseModel(after) }
}

async function run(bytes: Uint8Array, dims: number[]): Promise<number[]> {
  const session = await openSession(bytes, { threads: 1 })
  try {
    const length = dims.reduce((a, b) => a * b, 1)
    const data = Float32Array.from({ length }, (_, at) => Math.sin(at * 1.7))
    const outputs = await session.run(new Map([['x', { type: 'float32', dims, data }]]))
    return Array.from(outputs.get('y')!.data as Float32Array)
  } finally {
    await session.release()
  }
}

const IMAGE = [1, 2, 4, 4]

describe('lifting an operator set', () => {
  it.each<[string, number, (graph: GraphBuilder) => void, (number | string)[]]>([
    [
      'Squeeze and Unsqueeze',
      11,
      (g) => g.node('Squeeze', [g.node('Unsqueeze', ['x'], { axes: [0] })], { axes: [0] }, 'y'),
      IMAGE,
    ],
    ['ReduceSum', 11, (g) => g.node('ReduceSum', ['x'], { axes: [2], keepdims: 0 }, 'y'), [1, 2, 4]],
    ['Softmax over its last axis', 11, (g) => g.node('Softmax', ['x'], { axis: 3 }, 'y'), IMAGE],
    ['Softmax over all axes from one on', 11, (g) => g.node('Softmax', ['x'], { axis: 2 }, 'y'), IMAGE],
    ['Softmax with its old default', 11, (g) => g.node('Softmax', ['x'], {}, 'y'), IMAGE],
    [
      'Upsample',
      9,
      (g) => g.node('Upsample', ['x', g.float32([1, 1, 2, 2])], { mode: 'nearest' }, 'y'),
      [1, 2, 8, 8],
    ],
    [
      'Upsample by attributes',
      7,
      (g) => g.node('Upsample', ['x'], { scales: { floats: [1, 1, 2, 3] }, mode: 'linear' }, 'y'),
      [1, 2, 8, 12],
    ],
    [
      'Resize with two inputs',
      10,
      (g) => g.node('Resize', ['x', g.float32([1, 1, 2, 2])], { mode: 'nearest' }, 'y'),
      [1, 2, 8, 8],
    ],
    [
      'Resize that shrinks',
      10,
      (g) => g.node('Resize', ['x', g.float32([1, 1, 0.75, 0.75])], { mode: 'nearest' }, 'y'),
      [1, 2, 3, 3],
    ],
    ['Clip', 6 + 1, (g) => g.node('Clip', ['x'], { min: { float: 0 }, max: { float: 0.6 } }, 'y'), IMAGE],
    ['Clip with one bound', 10, (g) => g.node('Clip', ['x'], { max: { float: 0.5 } }, 'y'), IMAGE],
    [
      'Pad',
      10,
      (g) => g.node('Pad', ['x'], { pads: [0, 0, 1, 0, 0, 0, 0, 2], value: { float: 3 } }, 'y'),
      [1, 2, 5, 6],
    ],
    [
      'Slice to the end',
      9,
      (g) => g.node('Slice', ['x'], { starts: [1], ends: [2 ** 53], axes: [2] }, 'y'),
      [1, 2, 3, 4],
    ],
    [
      'Split',
      11,
      (g) => g.node('Add', g.nodeOutputs('Split', ['x'], { axis: 1, split: [1, 1] }, 2), {}, 'y'),
      [1, 1, 4, 4],
    ],
    [
      'TopK',
      9,
      (g) => g.add({ op: 'TopK', inputs: ['x'], outputs: ['y', 'i'], attributes: { k: 2, axis: 3 } }),
      [1, 2, 4, 2],
    ],
    [
      'Dropout',
      10,
      (g) => g.node('Relu', [g.node('Dropout', ['x'], { ratio: { float: 0.5 } })], {}, 'y'),
      IMAGE,
    ],
    [
      'BatchNormalization',
      7,
      (g) =>
        g.node(
          'BatchNormalization',
          ['x', g.float32([1, 2]), g.float32([0, 1]), g.float32([0.1, 0.2]), g.float32([1, 3])],
          {},
          'y',
        ),
      IMAGE,
    ],
  ])('keeps what %s means', async (_, opset, build, y) => {
    const graph = new GraphBuilder('old')
    build(graph)
    const { model } = await simplified({ graph, x: IMAGE, y, opset })
    expect(model.opsets.get('ai.onnx')).toBe(17)
  })

  it('refuses what is older than its rules', async () => {
    const graph = new GraphBuilder('old')
    graph.node('Relu', ['x'], {}, 'y')
    const bytes = writeModel(graph, { producer: { name: 'test', version: '' }, opsets: { '': 5 } }).finish()
    await expect(applyPasses(readDraft(bytes), PLAIN)).rejects.toMatchObject({ code: 'MODEL_UNSUPPORTED' })
  })
})

describe('passes', () => {
  it('compute what follows from a fixed size, and leave nothing of the chain', async () => {
    const graph = new GraphBuilder('sizes')
    const height = graph.node('Gather', [graph.node('Shape', ['x']), graph.int64([2], [])], { axis: 0 })
    const target = graph.node(
      'Concat',
      [graph.int64([2]), graph.node('Unsqueeze', [height, graph.int64([0])]), graph.int64([-1])],
      { axis: 0 },
    )
    graph.node('Reshape', ['x', target], {}, 'y')
    const made: Made = { graph, x: [1, 2, 'height', 'width'], y: [2, 'rows', 'columns'], opset: 17 }
    const { ops, counts } = await simplified(made, { input: { width: 4, height: 4 } })
    expect(ops).toEqual(['Reshape'])
    expect(counts.folded).toBeGreaterThan(3)
  })

  it('leave the chain where the size is free', async () => {
    const graph = new GraphBuilder('sizes')
    graph.node(
      'Reshape',
      ['x', graph.node('Slice', [graph.node('Shape', ['x']), graph.int64([0]), graph.int64([4])])],
      {},
      'y',
    )
    const { ops } = await simplified({
      graph,
      x: [1, 2, 'height', 'width'],
      y: [1, 2, 'height', 'width'],
      opset: 17,
    })
    expect(ops).toContain('Shape')
  })

  it.each([
    ['Conv', 1],
    ['Conv', 2],
    ['ConvTranspose', 1],
    ['ConvTranspose', 2],
  ])('merge batch norm, scale and shift into %s of %d groups', async (op, group) => {
    const graph = new GraphBuilder('norm')
    const weight = Float32Array.from({ length: 2 * (4 / group) * 9 }, (_, at) => Math.cos(at))
    const dims = op === 'Conv' ? [4, 2 / group, 3, 3] : [2, 4 / group, 3, 3]
    const w = graph.constant(
      'float32',
      dims,
      weight.slice(
        0,
        dims.reduce((a, b) => a * b, 1),
      ),
      'w',
    )
    const conv = graph.node(op, ['x', w], { pads: [1, 1, 1, 1], group })
    const four = (from: number) => graph.float32([from, from + 1, from + 2, from + 3])
    const normed = graph.node('BatchNormalization', [conv, four(1), four(-2), four(0.5), four(2)], {
      epsilon: { float: 0.01 },
    })
    const scaled = graph.node('Mul', [normed, graph.float32([1, 2, 3, 4], [1, 4, 1, 1])])
    graph.node('Sub', [scaled, graph.float32([5, 6, 7, 8], [4, 1, 1])], {}, 'y')
    const { ops, counts } = await simplified({ graph, x: IMAGE, y: [1, 4, 4, 4], opset: 17 })
    expect(ops).toEqual([op])
    expect(counts.normed).toBe(3)
  })

  it('leave a norm whose convolution somebody else reads, and weights that two share', async () => {
    const graph = new GraphBuilder('shared')
    const w = graph.constant('float32', [2, 2, 1, 1], Float32Array.of(1, 2, 3, 4), 'w')
    const [a, b] = [graph.node('Conv', ['x', w]), graph.node('Conv', ['x', w])]
    const twice = graph.node('Mul', [a, graph.scalar(2)])
    graph.node('Sum', [twice, b, graph.node('Mul', [b, graph.scalar(3)])], {}, 'y')
    const { ops } = await simplified({ graph, x: IMAGE, y: IMAGE, opset: 17 })
    expect(ops.filter((op) => op === 'Mul').length).toBeGreaterThan(0)
  })

  it('take out what computes nothing, second copies, and ends that nobody reads', async () => {
    const graph = new GraphBuilder('tidy')
    const same = graph.node('Identity', [graph.node('Transpose', ['x'], { perm: [0, 1, 2, 3] })])
    const left = graph.node('Add', [same, graph.constant('float32', [1], Float32Array.of(2), 'two')])
    const right = graph.node('Add', ['x', graph.constant('float32', [1], Float32Array.of(2), 'also two')])
    graph.node('Exp', [left])
    graph.node('Identity', [graph.node('Mul', [left, right])], {}, 'y')
    const { ops, model } = await simplified({ graph, x: IMAGE, y: IMAGE, opset: 17 })
    expect(ops).toEqual(['Add', 'Mul'])
    expect(model.graph.initializers.size).toBe(1)
  })

  it('do not compute constants that fill the memory', async () => {
    const graph = new GraphBuilder('bomb')
    const many = graph.node('Expand', [graph.scalar(1), graph.int64([1, 1, 60_000, 60_000])])
    const one = graph.node('ReduceMax', [many])
    graph.node('Add', ['x', one], {}, 'y')
    graph.inputs.push({ name: 'x', type: 'float32', shape: IMAGE })
    graph.outputs.push({ name: 'y', type: 'float32', shape: IMAGE })
    const draft = readDraft(writeModel(graph, { producer: { name: 'test', version: '' } }).finish())
    await applyPasses(draft, PLAIN)
    expect(draft.nodes.map(({ op }) => op)).toContain('Expand')
  })
})

describe('simplifying a detector', () => {
  it('gives raw maps, any size, a batch and class names', async () => {
    const bytes = tinyYolov8({ parts: 'split', sides: 'split', half: 'div' })
    const pictures = await bundledPictures()
    const contract = contractOf(bytes)
    const raw = await simplifyModel(bytes, contract, { boxes: 'raw', labels: ['a', "b's", 'c'] }, pictures)
    expect(recognise(readOnnx(raw.bytes), 'raw').contract).toMatchObject({
      family: 'yolov8-raw',
      labels: ['a', "b's", 'c'],
    })
    expect(readOnnx(raw.bytes).inputs[0]?.shape).toEqual([1, 3, 64, 64])
    const free = await simplifyModel(bytes, contract, { dynamic: true }, pictures)
    expect(readOnnx(free.bytes).inputs[0]?.shape).toEqual([1, 3, 'height', 'width'])
    const batch = await simplifyModel(bytes, contract, { batch: 2 }, pictures)
    expect(readOnnx(batch.bytes).outputs[0]?.shape?.[0]).toBe(2)
  })

  it('refuses a size that is not the one written into the file', async () => {
    const bytes = tinyYolov8({ parts: 'split', sides: 'split', half: 'div' })
    const wish = { input: { width: 96, height: 96 } }
    await expect(simplifyModel(bytes, contractOf(bytes), wish, [])).rejects.toMatchObject({ code: 'USAGE' })
  })

  it.skipIf(!hasCorpus).each([
    ['nanodet-m-320', 238, 186],
    ['ultraface-rfb-320', 125, 245],
    ['yolo-fastestv2-352', 230, 1],
    ['yolov8n-640-int8-qdq', 607, 1],
  ])('gives the same as %s', async (name, most, inputs) => {
    const source = await openSource(corpusPath(`models/${name}.onnx`), {})
    const { before, after, differences } = await simplifyModel(
      source.bytes,
      source.contract,
      {},
      await bundledPictures(),
    )
    expect(before.inputs).toBe(inputs)
    expect(after).toMatchObject({ inputs: 1, opset: 17 })
    expect(after.nodes).toBeLessThanOrEqual(most)
    expect(Math.max(...differences.map(({ largest }) => largest))).toBeLessThanOrEqual(1e-4)
  })
})
