import type { Builder } from '../network/builder.ts'
import type { Value } from '../network/network.ts'
import { joined, mapsOf } from './branches.ts'
import type { Extra, ExtraContext } from './extra.ts'
import type { Grid } from './grid.ts'

/** Keypoints of each cell in pixels, with their visibility after sigmoid where the data set has one. */
export function keypointsOf(builder: Builder, context: ExtraContext): Extra {
  const { module, inputs, branch, grid, branches } = context
  const [points, values] = module.pair('kpt_shape')
  if (points < 1 || (values !== 2 && values !== 3)) {
    throw module.unknown('keypoints of two or three values', `${points} of ${values}`)
  }
  const isNew = module.name === 'Pose26'
  const maps = mapsOf(builder, branch('cv4'), inputs)
  const raw = joined(
    builder,
    isNew ? mapsOf(builder, branch('cv4_kpts'), maps) : maps,
    points * values,
    module,
  )
  const exempt = isNew ? ['cv4_sigma', 'one2one_cv4_sigma', 'flow_model', `${branches.prefix}cv4_sigma`] : []
  return {
    columns: [decoded(builder, raw, grid, [points, values], isNew)],
    outputs: [],
    exempt,
    keypoints: [points, values],
  }
}

/**
 * source  YOLOv8-pose: offsets are doubled and counted from the corner of the cell; YOLO26: from its centre
 */
function decoded(
  { net }: Builder,
  raw: Value,
  { centres, strides, cells }: Grid,
  [points, values]: readonly [number, number],
  isNew: boolean,
): Value {
  const each = net.reshape(raw, [1, points, values, cells])
  const [places, ...visibility] = net.split(each, 2, values === 3 ? [2, 1] : [2]) as [Value, ...Value[]]
  const middle = net.reshape(centres, [1, 1, 2, cells])
  const moved = isNew
    ? net.binary('Add', places, middle)
    : net.binary('Add', net.mul(places, net.scalar(2)), net.binary('Sub', middle, net.scalar(0.5)))
  const inPixels = net.mul(moved, net.reshape(strides, [1, 1, 1, cells]))
  const parts = [inPixels, ...visibility.map((value) => net.sigmoid(value))]
  return net.reshape(net.concat(parts, 2), [1, points * values, cells])
}
