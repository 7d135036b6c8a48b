import { MAX_ANCHORS, tooLarge } from '../limits.ts'
import type { Module } from '../module.ts'
import type { Builder } from '../network/builder.ts'
import type { Value } from '../network/network.ts'
import { mapsOf } from './branches.ts'
import type { Head, HeadOptions } from './head.ts'
import { prototypeMaps } from './prototypes.ts'

/**
 * The head of YOLOv5 and YOLOv7, which corrects boxes of given sizes.
 *
 * output  [1, rows, 5 + classes]: centre, size in pixels, objectness, class scores, all after sigmoid; rows
 *         level by level, anchor by anchor, then cell by cell
 * source  YOLOv5 6.0: centre (2σ − ½ + cell) · stride, size (2σ)² · anchor
 * cost    anchors of another level double or halve every box
 */
const anchorDetect: Head = (builder, inputs, module, options) => {
  const classes = module.count('nc')
  const values = module.count('no')
  const masks = module.has('proto') ? module.count('nm') : 0
  const anchors = anchorsOf(module)
  if (values !== classes + 5 + masks || anchors.levels !== inputs.length) {
    throw module.unknown(
      `${classes + 5 + masks} values at ${inputs.length} levels`,
      `${values} at ${anchors.levels}`,
    )
  }
  const branch = module.has('ia')
    ? implicitMaps(builder, inputs, module)
    : mapsOf(builder, module.child('m'), inputs)
  const rows = branch.map((map, level) =>
    decodeLevel(builder, map, { module, options, values, masks, anchors, level }),
  )
  // Old files keep the anchors a second time, in pixels.
  module.optionalTensor('anchor_grid')
  return {
    outputs: [builder.net.concat(rows, 1), ...(masks > 0 ? [prototypeMaps(builder, module, inputs)] : [])],
    task: masks > 0 ? 'segment' : 'detect',
    strides: anchors.strides,
    classes,
    exempt: [],
  }
}

interface Anchors {
  levels: number
  each: number
  strides: number[]
  /** Widths and heights in pixels, [levels, each, 2]. */
  pixels: Float32Array
}

/** Anchors are kept in cells of their level. */
function anchorsOf(module: Module): Anchors {
  const tensor = module.tensor('anchors')
  const strides = [...module.tensor('stride').values()]
  const [levels = 0, each = 0, two] = tensor.shape
  if (tensor.shape.length !== 3 || two !== 2 || strides.length !== levels || each < 1) {
    throw module.unknown('anchors as pairs of each level', `[${tensor.shape.join(', ')}]`)
  }
  const pixels = tensor.values().map((value, i) => value * strides[Math.floor(i / (2 * each))]!)
  return { levels, each, strides, pixels }
}

interface LevelContext {
  module: Module
  options: HeadOptions
  values: number
  masks: number
  anchors: Anchors
  level: number
}

function decodeLevel(
  { net }: Builder,
  map: Value,
  { module, options, values, masks, anchors, level }: LevelContext,
): Value {
  const { each, strides, pixels } = anchors
  const [, channels, rows = 0, columns = 0] = map.shape
  const stride = strides[level]!
  if (
    channels !== each * values ||
    rows * stride !== options.size.height ||
    columns * stride !== options.size.width
  ) {
    throw module.unknown(
      `${each * values} channels in cells of ${stride} pixels`,
      `[${map.shape.join(', ')}]`,
    )
  }
  if (each * rows * columns > MAX_ANCHORS) {
    throw tooLarge('rows of the head', MAX_ANCHORS, each * rows * columns)
  }
  const split = net.transpose(net.reshape(map, [1, each, values, rows, columns]), [0, 1, 3, 4, 2])
  // Mask coefficients are taken as they are.
  const [raw, ...coefficients] = net.split(split, 4, masks > 0 ? [values - masks, masks] : [values]) as [
    Value,
    ...Value[],
  ]
  const [centre, size, rest] = net.split(net.sigmoid(raw), 4, [2, 2, values - masks - 4]) as [
    Value,
    Value,
    Value,
  ]
  const cells = net.weight([1, 1, rows, columns, 2], () => corners(rows, columns))
  const sizes = net.weight([1, each, 1, 1, 2], () => pixels.slice(level * each * 2, (level + 1) * each * 2))
  const doubled = (value: Value) => net.mul(value, net.scalar(2))
  const places = net.mul(net.binary('Add', doubled(centre), cells), net.scalar(stride))
  const squared = net.binary('Pow', doubled(size), net.scalar(2))
  const decoded = net.concat([places, net.mul(squared, sizes), rest, ...coefficients], 4)
  return net.reshape(decoded, [1, each * rows * columns, values])
}

/** Half a cell left and above of each cell's corner, where the doubled share begins. */
function corners(rows: number, columns: number): Float32Array {
  const values = new Float32Array(rows * columns * 2)
  let at = 0
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      values[at++] = column - 0.5
      values[at++] = row - 0.5
    }
  }
  return values
}

/** YOLOv7 adds a learned value to each channel before the last layer and multiplies by one after it. */
function implicitMaps(builder: Builder, inputs: readonly Value[], module: Module): Value[] {
  const { net } = builder
  const [added, layers, factors] = ['ia', 'm', 'im'].map((name) => module.child(name).use().children()) as [
    Module[],
    Module[],
    Module[],
  ]
  return inputs.map((x, level) => {
    const [add, layer, factor] = [added[level], layers[level], factors[level]]
    if (add === undefined || layer === undefined || factor === undefined) {
      throw module.unknown(`implicit values of ${inputs.length} levels`, `${added.length}`)
    }
    const value = builder.call(layer, net.binary('Add', x, implicit(builder, add, x)))
    return net.mul(value, implicit(builder, factor, value))
  })
}

function implicit({ net }: Builder, module: Module, { shape }: Value): Value {
  const tensor = module.use().tensor('implicit')
  if (tensor.shape.join() !== `1,${shape[1]},1,1`) {
    throw module.unknown(`${shape[1]} implicit values`, `[${tensor.shape.join(', ')}]`)
  }
  return net.weight(tensor.shape, () => tensor.values())
}

export const ANCHOR_HEADS = new Map<string, Head>([
  ['Detect', anchorDetect],
  ['IDetect', anchorDetect],
  ['Segment', anchorDetect],
])
