import { describe, expect, it } from 'vitest'
import { tinyYolox } from '../../../test/support/tiny-yolox.ts'
import { seededRandom } from '../../datasets/random.ts'
import type { Tensor } from '../../model/tensor.ts'
import { openSession } from '../../runtime/session.ts'
import { Graph } from '../graph/graph.ts'
import { toOnnx } from '../graph/to-onnx.ts'
import { openBase } from './base.ts'
import { classHead } from './class-head.ts'
import { exportModel } from './export.ts'
import { addNetwork, readNetwork } from './network.ts'
import { buildTrainingGraph } from './training-graph.ts'

const LABELS = ['cup', 'fork', 'jar']
const base = (labels = LABELS) =>
  openBase({
    name: 'tiny',
    sha256: '',
    bytes: tinyYolox(labels),
    licence: { name: 'MIT', class: 'permissive' },
  })

async function outputs(bytes: Uint8Array, size = 64): Promise<Map<string, Float32Array>> {
  const random = seededRandom(5)
  const session = await openSession(bytes, { threads: 1 })
  try {
    const data = Float32Array.from({ length: 3 * size * size }, () => random() * 255)
    const feeds = new Map<string, Tensor>([['images', { type: 'float32', dims: [1, 3, size, size], data }]])
    const found = await session.run(feeds)
    return new Map([...found].map(([name, tensor]) => [name, tensor.data as Float32Array]))
  } finally {
    await session.release()
  }
}

describe('a network read from its file', () => {
  it('says what the file says, with its pools in a chain', async () => {
    const tiny = base()
    const network = readNetwork(tiny, 64, 3, classHead(tiny, LABELS, seededRandom(1)))
    const windows = network.nodes
      .filter(({ op }) => op === 'MaxPool')
      .map(({ attributes }) => attributes.kernel_shape)
    expect(windows).toEqual([
      [5, 5],
      [5, 5],
      [5, 5],
    ])
    const graph = new Graph()
    graph.input({ name: 'images', type: 'float32', dims: [1, 3, 64, 64] })
    addNetwork(graph, network, new Set())
    const { box } = network.outputs[1]!
    graph.output({ name: 'boxes', type: 'float32', dims: [1, 4, 4, 4] }, box)
    const said = (await outputs(toOnnx(graph))).get('boxes')!
    const rows = (await outputs(tiny.bytes)).get('output')!
    // Rows of the second level follow the 64 of the first; each starts with the box.
    const expected = Array.from({ length: 64 }, (_, i) => rows[8 * (64 + (i % 16)) + Math.floor(i / 16)]!)
    expect([...said].map((value) => value.toFixed(3))).toEqual(expected.map((value) => value.toFixed(3)))
  })

  it('comes back as the same file when nothing was learned', async () => {
    const tiny = base()
    const network = readNetwork(tiny, 64, 3, classHead(tiny, LABELS, seededRandom(1)))
    const { slots, learned } = buildTrainingGraph(network, 0)
    const weights = new Float32Array(learned)
    for (const { offset, initial } of slots) {
      weights.set(initial, offset)
    }
    const bytes = exportModel(tiny, network, slots, weights, new Map([['license', 'MIT']]))
    expect((await outputs(bytes)).get('output')).toEqual((await outputs(tiny.bytes)).get('output'))
    expect(openBase({ name: 'again', sha256: '', bytes }).contract).toMatchObject({
      labels: LABELS,
      licence: { name: 'MIT' },
    })
  })

  it('takes another size and other classes', async () => {
    const tiny = base(['cup', 'plate'])
    const network = readNetwork(tiny, 96, 3, classHead(tiny, LABELS, seededRandom(1)))
    const { slots, learned } = buildTrainingGraph(network, 0.5)
    const bytes = exportModel(
      tiny,
      network,
      slots,
      new Float32Array(learned),
      new Map([['names', '{"0":"cup","1":"fork","2":"jar"}']]),
    )
    const rows = (await outputs(bytes, 96)).get('output')!
    expect(rows.length).toBe((144 + 36 + 9) * 8)
    expect(openBase({ name: 'again', sha256: '', bytes })).toMatchObject({ size: 96, labels: LABELS })
  })
})

describe('buildTrainingGraph', () => {
  it('asks for gradients only of what learns: the last layers first', () => {
    const tiny = base()
    const network = readNetwork(tiny, 64, 3, classHead(tiny, LABELS, seededRandom(1)))
    const all = buildTrainingGraph(network, 0)
    const half = buildTrainingGraph(network, 0.5)
    expect(half.learned).toBeLessThan(all.learned)
    expect(half.bytes.length).toBeGreaterThan(0)
    const names = (graph: typeof all) => graph.slots.map(({ name }) => name)
    expect(names(all).slice(-names(half).length)).toEqual(names(half))
    expect(half.slots.filter(({ isHead }) => isHead)).toHaveLength(18)
  })
})

describe('classHead', () => {
  it('keeps what the base knows of a class by the same name', () => {
    const tiny = base(['plate', 'jar'])
    const head = classHead(tiny, LABELS, seededRandom(1))
    const [weightName = ''] = [...head.keys()]
    const { data, dims } = head.get(weightName)!
    expect(dims).toEqual([3, 32, 1, 1])
    const again = classHead(tiny, LABELS, seededRandom(2)).get(weightName)!.data
    expect(again.slice(64)).toEqual(data.slice(64))
    expect(again.slice(0, 64)).not.toEqual(data.slice(0, 64))
  })
})
