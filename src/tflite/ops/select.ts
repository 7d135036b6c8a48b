import { elementCount, type TfliteTensor } from '../graph.ts'
import { corrupt, unsupported } from '../limits.ts'
import type { Operation } from '../operation.ts'
import { identity } from '../order.ts'

/**
 * NON_MAX_SUPPRESSION_V4 and V5.
 *
 * inputs   boxes [n, 4] as two corners, scores [n], most, IoU, score threshold, and in V5 the softness, which has to
 *          be 0
 * outputs  places [most], in V5 their scores [most], and how many of them are meant; the rest is 0
 */
export function nonMaxSuppression(at: Operation): void {
  const soft = at.operator.name === 'NON_MAX_SUPPRESSION_V5'
  if (soft && at.has(5) && constantFloat(at.tensor(5)) !== 0) {
    throw unsupported('soft non-maximum suppression')
  }
  const [most = 0] = at.ints(2, 'the number of boxes')
  at.expect([most])
  const { graph } = at
  const front = (name: string, count: number) => at.node('Unsqueeze', [name, graph.int64(identity(count))])
  const rows = at.node('NonMaxSuppression', [
    front(at.real(0), 1),
    front(at.real(1), 2),
    graph.int64([most]),
    at.node('Reshape', [at.real(3), graph.int64([1])]),
    at.node('Reshape', [at.real(4), graph.int64([1])]),
  ])
  const places = at.node('Gather', [rows, graph.int64([2], [])], { axis: 1 })
  const count = at.node('Shape', [places])
  const pads = at.node('Concat', [graph.int64([0]), at.node('Sub', [graph.int64([most]), count])], {
    axis: 0,
  })
  const fill = (name: string) => at.node('Pad', [name, pads])
  const asInt = (name: string) => at.node('Cast', [name], { to: { type: 'int32' } })
  at.give(fill(asInt(places)), [0])
  if (soft) {
    at.give(fill(at.node('Gather', [at.real(1), places], { axis: 0 })), [0], 1)
  }
  at.give(at.node('Reshape', [asInt(count), graph.int64([])]), [], soft ? 2 : 1)
}

function constantFloat({ type, data }: TfliteTensor): number | undefined {
  if (type !== 'float32' || data === undefined || data.length < 4) {
    return undefined
  }
  return new DataView(data.buffer, data.byteOffset, data.byteLength).getFloat32(0, true)
}

/** inputs: places, values, shape. Values of one place add up; places without one are 0. */
export function scatterNd(at: Operation): void {
  const shape = at.ints(2, 'the shape')
  at.expect(shape)
  if (elementCount(at.shape(1)) === 0) {
    throw corrupt('values for SCATTER_ND', 'none')
  }
  const values = at.real(1)
  const some = at.node('Slice', [
    at.node('Reshape', [values, at.graph.int64([-1])]),
    at.graph.int64([0]),
    at.graph.int64([1]),
  ])
  // Zeros of the type that the values have.
  const zeros = at.node('Expand', [at.node('Sub', [some, some]), at.graph.int64(shape)])
  const places = at.node('Cast', [at.real(0)], { to: { type: 'int64' } })
  at.give(at.graph.node('ScatterND', [zeros, places, values], { reduction: 'add' }), identity(shape.length))
}
