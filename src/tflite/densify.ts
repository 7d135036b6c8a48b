import { readRow, type Table } from './flatbuffer.ts'
import { corrupt, MAX_DENSE_BYTES, tooLarge } from './limits.ts'
import {
  DIMENSION_METADATA,
  INDEX_VECTOR,
  SHORT_INDEX_VECTOR,
  SPARSITY,
  TINY_INDEX_VECTOR,
} from './schema.ts'

/** One step of the walk over a sparse constant: all indices of an axis, or those that a row of the file lists. */
interface Level {
  axis: number
  size: number
  /** Where the indices below each parent begin; undefined for a dense level. */
  segments: number[] | undefined
  indices: number[]
}

/** Bytes that one file may still unfold into. */
export interface DenseBudget {
  left: number
}

/** A budget for one file. */
export const denseBudget = (): DenseBudget => ({ left: MAX_DENSE_BYTES })

/**
 * The dense form of a constant that the file keeps without its zeros, as pruned networks of MediaPipe do.
 *
 * source  tensorflow/lite `schema.fbs` SparsityParameters; the format of "Tensor Algebra Compiler" (Kjolstad, 2017):
 *         axes in traversal order, blocks behind them, compressed rows where an axis is sparse
 * @throws BoxletError MODEL_CORRUPT for indices outside the tensor, MODEL_LIMIT beyond the budget
 */
export function densify(
  sparsity: Table,
  values: Uint8Array,
  shape: readonly number[],
  bytesPerValue: number,
  budget: DenseBudget,
): Uint8Array {
  const { traversalOrder, blockMap, dimensions } = readRow(sparsity, SPARSITY)
  const order = traversalOrder ?? []
  const blocked = blockMap ?? []
  const rank = shape.length
  const isOrder = order.length === rank + blocked.length && new Set(order).size === order.length
  const fits = isOrder && order.every((axis) => axis >= 0 && axis < order.length)
  if (!fits || dimensions.length !== order.length || blocked.some((axis) => !(axis >= 0 && axis < rank))) {
    throw corrupt('an order of all axes and blocks of a sparse constant', `[${order.join(', ')}]`)
  }
  const elements = shape.reduce((product, size) => product * size, 1)
  budget.left -= elements * bytesPerValue
  if (budget.left < 0) {
    throw tooLarge('bytes of sparse constants', MAX_DENSE_BYTES, 'more')
  }
  const levels = order.map((axis, level) => readLevel(dimensions[level]!, axis))
  // A value is blockSize · index + place in the block, along each axis that has blocks.
  const steps = strides(shape)
  const blockSizes = blocked.map((_, block) => levels.find(({ axis }) => axis === rank + block)!.size)
  const step = (axis: number): number => {
    if (axis >= rank) {
      return steps[blocked[axis - rank]!]!
    }
    const block = blocked.indexOf(axis)
    return steps[axis]! * (block < 0 ? 1 : blockSizes[block]!)
  }
  const dense = new Uint8Array(elements * bytesPerValue)
  let visits = 0
  const walk = (depth: number, parent: number, offset: number): void => {
    const level = levels[depth]
    // Rows without values cost steps, too; a tensor has no more of them than values.
    visits++
    if (visits > (elements + 1) * (levels.length + 1)) {
      throw corrupt('a sparse constant that ends', 'one that visits values again')
    }
    if (level === undefined) {
      copyValue(values, parent, dense, offset, bytesPerValue)
      return
    }
    const { segments, indices, size } = level
    const by = step(level.axis)
    if (segments === undefined) {
      for (let index = 0; index < size; index++) {
        walk(depth + 1, parent * size + index, offset + index * by)
      }
      return
    }
    const from = segments[parent] ?? Number.NaN
    const to = segments[parent + 1] ?? Number.NaN
    if (!(from >= 0 && to >= from && to <= indices.length)) {
      throw corrupt('rows of indices inside a sparse constant', `${from} to ${to} of ${indices.length}`)
    }
    for (let at = from; at < to; at++) {
      walk(depth + 1, at, offset + indices[at]! * by)
    }
  }
  walk(0, 0, 0)
  return dense
}

function copyValue(
  values: Uint8Array,
  from: number,
  dense: Uint8Array,
  to: number,
  bytesPerValue: number,
): void {
  const source = from * bytesPerValue
  const target = to * bytesPerValue
  if (source + bytesPerValue > values.length || !(target >= 0) || target + bytesPerValue > dense.length) {
    throw corrupt('values inside a sparse constant', `value ${from} at ${to}`)
  }
  dense.set(values.subarray(source, source + bytesPerValue), target)
}

function strides(shape: readonly number[]): number[] {
  const steps = new Array<number>(shape.length).fill(1)
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    steps[axis] = steps[axis + 1]! * shape[axis + 1]!
  }
  return steps
}

const SPARSE = 1

function readLevel(table: Table, axis: number): Level {
  const { format, denseSize, segmentsType, segments, indicesType, indices } = readRow(
    table,
    DIMENSION_METADATA,
  )
  if (format !== SPARSE) {
    if (denseSize < 0) {
      throw corrupt('sizes of 0 or more', `${denseSize}`)
    }
    return { axis, size: denseSize, segments: undefined, indices: [] }
  }
  return {
    axis,
    size: 0,
    segments: readVector(segments, segmentsType),
    indices: readVector(indices, indicesType),
  }
}

/** A union: 32-bit, 16-bit or 8-bit numbers. */
function readVector(table: Table | undefined, type: number): number[] {
  if (type === 1) {
    return readRow(table, INDEX_VECTOR).values ?? []
  }
  if (type === 2) {
    return readRow(table, SHORT_INDEX_VECTOR).values ?? []
  }
  if (type === 3) {
    return [...(readRow(table, TINY_INDEX_VECTOR).values ?? [])]
  }
  throw corrupt('indices of a sparse constant', `numbers of kind ${type}`)
}
