import { describe, expect, it } from 'vitest'
import { tinyYolox } from '../../../test/support/tiny-yolox.ts'
import { recognise } from '../../families/recognise.ts'
import { parseModel } from '../../onnx/read/parse.ts'
import { readOnnx } from '../../onnx/read/reader.ts'
import { GraphBuilder } from '../../onnx/write/graph-builder.ts'
import { writeModel } from '../../onnx/write/write-model.ts'
import { bytesOf, type Draft, floatsOf } from '../graph/draft.ts'
import { readDraft } from '../graph/read-draft.ts'
import { dropUnused } from '../graph/rewire.ts'
import { writeDraft } from '../graph/write-draft.ts'
import { outputDifference } from '../measure/difference.ts'
import { bundledPictures } from '../measure/pictures.ts'
import { knownShapes } from '../simplify/fold.ts'
import { type ChannelGroups, channelGroups } from './groups.ts'
import { removeChannels } from './remove.ts'

/** Makes channels give nothing: every filter and bias that makes one of these is zero. */
function silence(draft: Draft, groups: ChannelGroups, gone: ReadonlySet<number>): void {
  for (const node of draft.nodes) {
    const of = groups.of.get(node.outputs[0] ?? '')
    if (node.op !== 'Conv' || of === undefined) {
      continue
    }
    for (const name of node.inputs.slice(1)) {
      const tensor = draft.constants.get(name)!
      const values = floatsOf(tensor)
      const length = values.length / of.length
      of.forEach((group, at) => {
        if (gone.has(groups.root(group))) {
          values.fill(0, at * length, (at + 1) * length)
        }
      })
      draft.constants.set(name, { ...tensor, data: bytesOf(values) })
    }
  }
}

/** Every second channel that may go. */
const half = (groups: ChannelGroups): Set<number> =>
  new Set(
    [...new Set([...groups.of.values()].flat().map(groups.root))].filter(
      (root, at) => at % 2 === 0 && !groups.fixed.has(root),
    ),
  )

describe('taking channels out', () => {
  it('that give nothing changes nothing, through sums, joins, pools and depthwise layers', async () => {
    const draft = readDraft(tinyYolox(['a', 'b']))
    const groups = channelGroups(draft, knownShapes(draft))
    const gone = half(groups)
    expect(gone.size).toBeGreaterThan(60)
    silence(draft, groups, gone)
    const before = writeDraft(draft)
    removeChannels(draft, groups, gone, new Map())
    dropUnused(draft)
    const after = writeDraft(draft)
    const { contract } = recognise(readOnnx(before), 'tiny')
    const [difference] = await outputDifference(before, after, contract, await bundledPictures())
    expect(difference?.largest).toBeLessThan(1e-4)
    expect(after.length).toBeLessThan(before.length * 0.75)
  })

  it('keeps the channels of the prediction layers, and those that a sum ties together, in step', () => {
    const graph = new GraphBuilder('sum')
    graph.inputs.push({ name: 'x', type: 'float32', shape: [1, 3, 8, 8] })
    const weight = (out: number, from: number) =>
      graph.constant('float32', [out, from, 1, 1], new Float32Array(out * from).fill(1), `w${out}.${from}`)
    const a = graph.node('Conv', ['x', weight(8, 3)])
    const [left, right] = graph.nodeOutputs('Split', [a, graph.int64([6, 2])], { axis: 1 }, 2)
    const b = graph.node('Conv', [right!, weight(6, 2)])
    const sum = graph.node('Add', [left!, b])
    graph.node('Conv', [sum, weight(4, 6)], {}, 'y')
    graph.outputs.push({ name: 'y', type: 'float32', shape: [1, 4, 8, 8] })
    const draft = readDraft(writeModel(graph, { producer: { name: 'test', version: '' } }).finish())
    const groups = channelGroups(draft, knownShapes(draft))
    const roots = (name: string) => groups.of.get(name)!.map(groups.root)
    expect(roots(left!)).toEqual(roots(b))
    expect(roots('y').every((root) => groups.fixed.has(root))).toBe(true)
    const gone = new Set([roots(b)[0]!, roots(right!)[0]!])
    removeChannels(draft, groups, gone, new Map())
    dropUnused(draft)
    const { initializers } = parseModel(writeDraft(draft)).graph
    const dims = [...initializers.values()].map((tensor) => tensor.dims.join()).sort()
    expect(dims).toEqual(['2', '4', '4,5,1,1', '5', '5,1,1,1', '6', '6,3,1,1'])
  })

  it('puts what the mean of a channel gave into the bias behind it', () => {
    const graph = new GraphBuilder('mean')
    graph.inputs.push({ name: 'x', type: 'float32', shape: [1, 1, 4, 4] })
    const first = graph.constant('float32', [2, 1, 1, 1], Float32Array.of(1, 1), 'first')
    const second = graph.constant('float32', [1, 2, 1, 1], Float32Array.of(3, 5), 'second')
    const a = graph.node('Conv', ['x', first])
    graph.node('Conv', [a, second], {}, 'y')
    graph.outputs.push({ name: 'y', type: 'float32', shape: [1, 1, 4, 4] })
    const draft = readDraft(writeModel(graph, { producer: { name: 'test', version: '' } }).finish())
    const groups = channelGroups(draft, knownShapes(draft))
    removeChannels(
      draft,
      groups,
      new Set([groups.root(groups.of.get(a)![1]!)]),
      new Map([[a, Float64Array.of(7, 2)]]),
    )
    expect([...floatsOf(draft.constants.get('y.bias')!)]).toEqual([10])
  })
})
