import type { Builder } from '../network/builder.ts'
import type { Network, Value } from '../network/network.ts'

/** Rows that an end-to-end head gives where the file does not say. */
export const MAX_ROWS = 300

/**
 * The best rows of a one-to-one head, [1, rows, 6 + extra]: box, score, class, extras. As the makers do it: the
 * cells with the best classes first, then the best pairs of cell and class among them.
 *
 * @param boxes  [1, 4, cells]
 * @param scores [1, classes, cells], after sigmoid
 * @param extras [1, n, cells] each: mask coefficients, keypoints, an angle
 */
export function topRows(
  builder: Builder,
  boxes: Value,
  scores: Value,
  extras: readonly Value[],
  limit = MAX_ROWS,
): Value {
  const { net } = builder
  const [, classes = 1, cells = 1] = scores.shape
  const rows = Math.min(limit, cells)
  const byCell = net.transpose(scores, [0, 2, 1])
  const best = net.node('ReduceMax', [byCell], [1, cells], { axes: [2], keepdims: 0 })
  const [, cellPlaces] = top(net, best, rows)
  const chosen = gatherRows(net, byCell, cellPlaces)
  const [values, pairs] = top(net, net.reshape(chosen, [1, rows * classes]), rows)
  const count = { name: net.ints([classes]), shape: [1] }
  const places = net.node('Div', [pairs, count], [1, rows])
  const labels = net.node('Mod', [pairs, count], [1, rows])
  const rowsOf = (value: Value) =>
    gatherRows(net, gatherRows(net, net.transpose(value, [0, 2, 1]), cellPlaces), places)
  return net.concat(
    [
      rowsOf(boxes),
      net.reshape(values, [1, rows, 1]),
      net.reshape(net.node('Cast', [labels], [1, rows], { to: { type: 'float32' } }), [1, rows, 1]),
      ...extras.map(rowsOf),
    ],
    2,
  )
}

/** The largest values of [1, n] and their places, in order. */
export function top(net: Network, x: Value, count: number): [Value, Value] {
  const [values, places] = net.graph.nodeOutputs(
    'TopK',
    [x.name, net.ints([count])],
    { axis: 1, largest: 1, sorted: 1 },
    2,
  )
  const shape = [1, count]
  return [
    { name: values!, shape },
    { name: places!, shape },
  ]
}

/** Rows of [1, n, columns] at the places [1, m]. */
export function gatherRows(net: Network, x: Value, places: Value): Value {
  const [, rows = 1, columns = 1] = x.shape
  const [, count = 1] = places.shape
  const flat = net.node(
    'Gather',
    [net.reshape(x, [rows, columns]), net.reshape(places, [count])],
    [count, columns],
    { axis: 0 },
  )
  return net.reshape(flat, [1, count, columns])
}
