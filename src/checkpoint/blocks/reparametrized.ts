import { activated, foldedConv } from '../layers/conv.ts'
import { convolve, type Filter, filterOf, type Geometry, normOf, withNorm } from '../layers/convolution.ts'
import type { Module } from '../module.ts'
import { type Block, only } from '../network/builder.ts'
import { misfit, product } from '../network/network.ts'

/** Blocks that are trained as several filters side by side and run as one: the sum of linear filters is one. */

/** RepConv of Ultralytics: 3 × 3, 1 × 1 and, where nothing changes size, the input itself. */
const repConv: Block = ({ net }, inputs, module) => {
  const x = only(inputs, module)
  const filter =
    module.has('rbr_dense') || module.has('rbr_reparam') ? yolov7Filter(module) : ultralyticsFilter(module)
  return activated(net, convolve(net, x, filter, module), module)
}

function ultralyticsFilter(module: Module): Filter & Geometry {
  const fused = module.optional('conv')
  if (fused !== undefined) {
    return filterOf(fused)
  }
  const dense = foldedConv(withoutActivation(module.child('conv1')))
  return summed(dense, [
    foldedConv(withoutActivation(module.child('conv2'))),
    ...identityFilter(module.optional('bn'), dense),
  ])
}

/** The members are called otherwise in YOLOv7's own repository. */
function yolov7Filter(module: Module): Filter & Geometry {
  const fused = module.optional('rbr_reparam')
  if (fused !== undefined) {
    return filterOf(fused)
  }
  const branch = (name: string): Filter & Geometry => {
    const [filter, norm, ...more] = module.child(name).use().children()
    if (filter === undefined || norm === undefined || more.length > 0) {
      throw module.unknown(`a filter and a norm in ${name}`, 'other parts')
    }
    return withNorm(filterOf(filter), norm)
  }
  const dense = branch('rbr_dense')
  return summed(dense, [branch('rbr_1x1'), ...identityFilter(module.optional('rbr_identity'), dense)])
}

/** A branch is summed before its activation, so it may have none of its own. */
function withoutActivation(module: Module): Module {
  const act = module.child('act')
  if (act.name !== 'Identity') {
    throw act.unknown('a branch without activation', act.name)
  }
  act.use()
  return module
}

/** A depthwise 7 × 7 and 3 × 3 filter. Fused files keep one filter with a bias. */
const repVggDw: Block = ({ net }, inputs, module) => {
  const x = only(inputs, module)
  const first = module.child('conv')
  const filter =
    first.name === 'Conv2d'
      ? filterOf(first)
      : summed(foldedConv(withoutActivation(first)), [foldedConv(withoutActivation(module.child('conv1')))])
  return activated(net, convolve(net, x, filter, module), module)
}

/** A batch norm on the input alone is a filter with one value at its centre. */
function identityFilter(norm: Module | undefined, dense: Filter & Geometry): (Filter & Geometry)[] {
  if (norm === undefined) {
    return []
  }
  const [outputs = 0, inputs = 0] = dense.shape
  if (outputs !== inputs * dense.groups) {
    throw norm.unknown('as many outputs as inputs', `${outputs} and ${inputs * dense.groups}`)
  }
  const { scale, shift } = normOf(norm, outputs)
  const weight = () => {
    const values = new Float32Array(outputs * inputs)
    for (const [output, factor] of scale().entries()) {
      values[output * inputs + (output % inputs)] = factor
    }
    return values
  }
  const bias = () => Float32Array.from(shift(scale()))
  return [{ ...dense, shape: [outputs, inputs, 1, 1], padding: [0, 0], weight, bias }]
}

/** The sum of filters that see the same centre, as one of the size of the largest, which comes first. */
export function summed(
  largest: Filter & Geometry,
  others: readonly (Filter & Geometry)[],
): Filter & Geometry {
  const [outputs = 0, inputs = 0, height = 0, width = 0] = largest.shape
  for (const other of others) {
    const fits =
      other.shape[0] === outputs &&
      other.shape[1] === inputs &&
      other.groups === largest.groups &&
      other.stride.join() === largest.stride.join() &&
      [0, 1].every((axis) => {
        const margin = largest.shape[2 + axis]! - other.shape[2 + axis]!
        return (
          margin >= 0 &&
          margin % 2 === 0 &&
          largest.padding[axis as 0 | 1] - other.padding[axis as 0 | 1] === margin / 2
        )
      })
    if (!fits || [...largest.dilation, ...other.dilation].some((step) => step !== 1)) {
      throw misfit('filters over each other', `[${largest.shape.join(', ')}] and [${other.shape.join(', ')}]`)
    }
  }
  const weight = () => {
    const sum = largest.weight()
    for (const other of others) {
      addCentred(sum, other.weight(), [height, width], other.shape)
    }
    return sum
  }
  const bias = () => {
    const sum = largest.bias?.() ?? new Float32Array(outputs)
    for (const other of others) {
      const more = other.bias?.()
      more?.forEach((value, i) => {
        sum[i]! += value
      })
    }
    return sum
  }
  return { ...largest, weight, bias }
}

function addCentred(
  sum: Float32Array,
  small: Float32Array,
  [height, width]: readonly [number, number],
  shape: readonly number[],
): void {
  const [rows = 0, columns = 0] = shape.slice(2)
  const [top, left] = [(height - rows) / 2, (width - columns) / 2]
  const filters = product(shape.slice(0, 2))
  for (let filter = 0, from = 0; filter < filters; filter++) {
    for (let row = 0; row < rows; row++) {
      const to = filter * height * width + (top + row) * width + left
      for (let column = 0; column < columns; column++) {
        sum[to + column]! += small[from++]!
      }
    }
  }
}

export const REPARAMETRIZED = new Map<string, Block>([
  ['RepConv', repConv],
  ['RepConvN', repConv],
  ['RepVGGDW', repVggDw],
])
