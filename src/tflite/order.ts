/**
 * The order in which the axes of a tensor lie in memory: `order[i]` is the logical axis (as the TFLite file
 * counts them) at place i. Keeping an order beside each value makes transpositions free until an operator
 * insists on one.
 */
export type Order = readonly number[]

/** Channels of a picture tensor NHWC brought before its rows, as ONNX convolutions want it. */
export const CHANNELS_FIRST: Order = [0, 3, 1, 2]

export const identity = (rank: number): Order => Array.from({ length: rank }, (_, axis) => axis)
export const isIdentity = (order: Order): boolean => order.every((axis, place) => axis === place)
export const sameOrder = (a: Order, b: Order): boolean =>
  a.length === b.length && a.every((axis, place) => axis === b[place])

/** `perm` of an ONNX Transpose that brings a value from one order to another. */
export const transposition = (from: Order, to: Order): number[] => to.map((axis) => from.indexOf(axis))

/** Sizes as they lie in memory. */
export const stored = (shape: readonly number[], order: Order): number[] => order.map((axis) => shape[axis]!)

/** Order that is left when some logical axes go away. */
export function withoutAxes(order: Order, removed: ReadonlySet<number>): Order {
  const kept = identity(order.length).filter((axis) => !removed.has(axis))
  return order.filter((axis) => !removed.has(axis)).map((axis) => kept.indexOf(axis))
}

/** Copies values of `itemBytes` (1, 2, 4 or 8) each from logical order into another. */
export function permute(
  data: Uint8Array,
  shape: readonly number[],
  order: Order,
  itemBytes: number,
): Uint8Array {
  const total = shape.reduce((product, size) => product * size, 1)
  const bytes = data.subarray(0, total * itemBytes)
  // Axes of length 1 lie anywhere, so the filters of 1 by 1 convolutions need no copy.
  const moving = order.filter((axis) => shape[axis] !== 1)
  if (moving.every((axis, place) => place === 0 || axis > moving[place - 1]!)) {
    return bytes
  }
  const out = new Uint8Array(bytes.length)
  const sizes = moving.map((axis) => shape[axis]!)
  const steps = moving.map((axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1))
  copyStrided(items(bytes, itemBytes), items(out, itemBytes), sizes, steps)
  return out
}

type Items = Uint8Array | Uint16Array | Uint32Array | BigUint64Array

function items(bytes: Uint8Array, itemBytes: number): Items {
  // Constants of a FlatBuffer are aligned to 4 bytes in most files and to nothing in some.
  const { buffer, byteOffset } = byteAligned(bytes, itemBytes)
  const length = bytes.length / itemBytes
  if (itemBytes === 1) {
    return new Uint8Array(buffer, byteOffset, length)
  }
  if (itemBytes === 2) {
    return new Uint16Array(buffer, byteOffset, length)
  }
  if (itemBytes === 4) {
    return new Uint32Array(buffer, byteOffset, length)
  }
  return new BigUint64Array(buffer, byteOffset, length)
}

const byteAligned = (bytes: Uint8Array, itemBytes: number): Uint8Array =>
  bytes.byteOffset % itemBytes === 0 ? bytes : bytes.slice()

/** Fills `out` in its order; the last axis is a loop of its own because weights have millions of values. */
function copyStrided(data: Items, out: Items, sizes: readonly number[], steps: readonly number[]): void {
  const last = sizes.length - 1
  const width = sizes[last]!
  const step = steps[last]!
  const index = sizes.map(() => 0)
  let from = 0
  for (let at = 0; at < out.length; ) {
    for (let inner = from, end = at + width; at < end; at++, inner += step) {
      out[at] = data[inner]!
    }
    for (let place = last - 1; place >= 0; place--) {
      from += steps[place]!
      if (++index[place]! < sizes[place]!) {
        break
      }
      from -= steps[place]! * sizes[place]!
      index[place] = 0
    }
  }
}

/**
 * How a reshape looks to a value that does not lie in logical order, or undefined when the value has to be
 * brought into it first. Both shapes are cut into the smallest groups of axes with equal products; when each
 * group lies together and in its own order, the groups may stay where they are.
 */
export function reshapeInPlace(
  from: readonly number[],
  to: readonly number[],
  order: Order,
): Order | undefined {
  const groups = pairGroups(from, to)
  if (groups === undefined) {
    return undefined
  }
  const longAxes = groups.map((group) => group.from.filter((axis) => from[axis] !== 1))
  const lying = order.filter((axis) => from[axis] !== 1)
  const ordered: number[] = []
  for (const axis of order) {
    const index = groups.findIndex((group) => group.from.includes(axis))
    const axes = longAxes[index]!
    // An axis of length 1 has no place of its own, unless its group has nothing else.
    if (ordered.includes(index) || (axes.length > 0 && from[axis] === 1)) {
      continue
    }
    const start = lying.indexOf(axis)
    if (axes.length > 0 && !axes.every((each, step) => lying[start + step] === each)) {
      return undefined
    }
    ordered.push(index)
  }
  for (const index of groups.keys()) {
    if (!ordered.includes(index)) {
      ordered.push(index)
    }
  }
  return ordered.flatMap((index) => groups[index]!.to)
}

function pairGroups(
  from: readonly number[],
  to: readonly number[],
): { from: number[]; to: number[] }[] | undefined {
  const groups: { from: number[]; to: number[] }[] = []
  let a = 0
  let b = 0
  while (a < from.length || b < to.length) {
    const group = { from: [] as number[], to: [] as number[] }
    if (from[a] === 1 && to[b] === 1) {
      groups.push({ from: [a++], to: [b++] })
      continue
    }
    let left = 1
    let right = 1
    do {
      if (left <= right && a < from.length) {
        left *= from[a]!
        group.from.push(a++)
      } else if (b < to.length) {
        right *= to[b]!
        group.to.push(b++)
      } else {
        return undefined
      }
      if (left === 0 || right === 0) {
        return undefined
      }
    } while (left !== right)
    groups.push(group)
  }
  return groups
}
