import type { Module } from '../module.ts'
import type { Builder } from '../network/builder.ts'
import type { Value } from '../network/network.ts'
import type { Grid } from './grid.ts'

/** How the four numbers of a box are written: corners, or centre and size. */
export type BoxForm = 'corners' | 'centre'

/**
 * Distances to the four sides from what the box branch gives, [1, 4 · bins, cells]: the expectation over the
 * bins of each, or with one bin the number itself.
 *
 * source  Generalized Focal Loss, https://arxiv.org/abs/2006.04388, section 3.2
 */
export function distances(builder: Builder, boxes: Value, dfl: Module, bins: number): Value {
  const { net } = builder
  const [batch = 1, , cells = 0] = boxes.shape
  dfl.use()
  if (bins === 1) {
    return boxes
  }
  const conv = dfl.child('conv').use()
  const weight = conv.tensor('weight')
  if (weight.shape.join() !== `1,${bins},1,1`) {
    throw conv.unknown(`weights of ${bins} bins`, `[${weight.shape.join(', ')}]`)
  }
  const split = net.transpose(net.reshape(boxes, [batch, 4, bins, cells]), [0, 2, 1, 3])
  const expected = net.node(
    'Conv',
    [net.softmax(split, 1), net.weight(weight.shape, () => weight.values())],
    [batch, 1, 4, cells],
    { kernel_shape: [1, 1] },
  )
  return net.reshape(expected, [batch, 4, cells])
}

/** Boxes in pixels of the network's picture, [1, 4, cells], from distances in cells to left, top, right and bottom. */
export function boxesOf({ net }: Builder, sides: Value, { centres, strides }: Grid, form: BoxForm): Value {
  const [leftTop, rightBottom] = net.split(sides, 1, [2, 2]) as [Value, Value]
  const near = net.binary('Sub', centres, leftTop)
  const far = net.binary('Add', rightBottom, centres)
  if (form === 'corners') {
    return net.mul(net.concat([near, far], 1), strides)
  }
  const middle = net.binary('Div', net.add(near, far), net.scalar(2))
  return net.mul(net.concat([middle, net.binary('Sub', far, near)], 1), strides)
}

/**
 * Boxes that are turned, [1, 4, cells] as centre and size: the distances are measured along the turned axes.
 *
 * source  YOLO OBB heads: https://docs.ultralytics.com/tasks/obb/; the formula follows from the geometry
 */
export function turnedBoxes({ net }: Builder, sides: Value, angle: Value, { centres, strides }: Grid): Value {
  const [leftTop, rightBottom] = net.split(sides, 1, [2, 2]) as [Value, Value]
  const [cos, sin] = [net.unary('Cos', angle), net.unary('Sin', angle)]
  const offset = net.binary('Div', net.binary('Sub', rightBottom, leftTop), net.scalar(2))
  const [x, y] = net.split(offset, 1, [1, 1]) as [Value, Value]
  const turned = net.concat(
    [net.binary('Sub', net.mul(x, cos), net.mul(y, sin)), net.add(net.mul(x, sin), net.mul(y, cos))],
    1,
  )
  const middle = net.add(turned, centres)
  return net.mul(net.concat([middle, net.add(leftTop, rightBottom)], 1), strides)
}
