import { constantInts } from '../constants.ts'
import { corrupt, unsupported } from '../limits.ts'
import type { Operation } from '../operation.ts'
import { CHANNELS_FIRST, identity, stored } from '../order.ts'
import { GATHER, MIRROR_PAD, STRIDED_SLICE } from '../schema.ts'

/** Far enough to mean "from the end" for a slice that runs backwards past the first value. */
const BEFORE_FIRST = -(2 ** 31)

/** inputs: data, begins, sizes; a size of -1 runs to the end. */
export function slice(at: Operation): void {
  const begins = at.ints(1, 'begins')
  const sizes = at.ints(2, 'sizes')
  const shape = at.shape(0)
  if (begins.length !== shape.length || sizes.length !== shape.length) {
    throw corrupt(`${shape.length} begins and sizes for SLICE`, `${begins.length} and ${sizes.length}`)
  }
  const ends = begins.map((begin, axis) => (sizes[axis] === -1 ? shape[axis]! : begin + sizes[axis]!))
  cut(
    at,
    0,
    begins.map((begin, axis) => ({ axis, begin, end: ends[axis]!, step: 1 })),
  )
}

interface Cut {
  axis: number
  begin: number
  end: number
  step: number
}

/** Cuts in whatever order the data lies; axes that stay whole are left out. */
function cut(at: Operation, input: number, cuts: Cut[]): void {
  const order = at.order(input)
  at.move([input], order, ([name]) => sliced(at, input, name!, cuts), order)
}

function sliced(at: Operation, input: number, name: string, cuts: Cut[]): string {
  const order = at.order(input)
  const shape = at.shape(input)
  const real = cuts.filter(({ axis, begin, end, step }) => begin !== 0 || end !== shape[axis] || step !== 1)
  if (real.length === 0) {
    return at.node('Identity', [name])
  }
  const column = (pick: (each: Cut) => number) => at.graph.int64(real.map(pick))
  return at.node('Slice', [
    name,
    column(({ begin }) => begin),
    column(({ end }) => end),
    column(({ axis }) => order.indexOf(axis)),
    column(({ step }) => step),
  ])
}

/** inputs: data, begins, ends, steps, with bits that stand for whole, new, dropped and left-out axes. */
export function stridedSlice(at: Operation): void {
  const options = at.options(STRIDED_SLICE)
  const begins = at.ints(1, 'begins')
  const ends = at.ints(2, 'ends')
  const steps = at.ints(3, 'steps')
  const shape = at.shape(0)
  const bit = (mask: number, position: number) => ((mask >> position) & 1) === 1
  const isNew = (position: number) => bit(options.newAxisMask, position)
  const added = begins.filter((_, position) => isNew(position) && !bit(options.ellipsisMask, position)).length
  const ellipsis = begins.findIndex((_, position) => bit(options.ellipsisMask, position))
  const covered = begins.length - added - (ellipsis >= 0 ? 1 : 0)
  if (covered > shape.length || ends.length !== begins.length || steps.length !== begins.length) {
    throw corrupt(`slices of ${shape.length} axes for STRIDED_SLICE`, `${covered}`)
  }
  const cuts: Cut[] = []
  let drops = added > 0
  let axis = 0
  for (const [position, first] of begins.entries()) {
    if (position === ellipsis) {
      axis += shape.length - covered
    } else if (!isNew(position)) {
      const step = steps[position]!
      const size = shape[axis]!
      if (step === 0) {
        throw corrupt('steps other than 0 for STRIDED_SLICE', '0')
      }
      if (bit(options.shrinkAxisMask, position)) {
        const begin = first < 0 ? first + size : first
        cuts.push({ axis, begin, end: begin + 1, step: 1 })
        drops = true
      } else {
        const last = options.offset ? first + ends[position]! : ends[position]!
        const begin = bit(options.beginMask, position) ? (step > 0 ? 0 : size - 1) : first
        const end = bit(options.endMask, position) ? (step > 0 ? size : BEFORE_FIRST) : last
        cuts.push({ axis, begin, end, step })
      }
      axis++
    }
  }
  if (!drops) {
    cut(at, 0, cuts)
    return
  }
  const order = identity(shape.length)
  const to = at.outputTensor().shape
  const build = ([name]: string[]) =>
    at.node('Reshape', [slicedLogically(at, name!, cuts), at.graph.int64(to)])
  at.move([0], order, build, identity(to.length))
}

function slicedLogically(at: Operation, name: string, cuts: Cut[]): string {
  const column = (pick: (each: Cut) => number) => at.graph.int64(cuts.map(pick))
  if (cuts.length === 0) {
    return name
  }
  return at.node('Slice', [
    name,
    column(({ begin }) => begin),
    column(({ end }) => end),
    column(({ axis }) => axis),
    column(({ step }) => step),
  ])
}

/** inputs: axis, data. */
export function split(at: Operation): void {
  const [axis = 0] = at.ints(0, 'the axis')
  const rank = at.rank(1)
  splitInto(at, 1, at.axis(axis, rank))
}

/** inputs: data, sizes, axis. */
export function splitV(at: Operation): void {
  const [axis = 0] = at.ints(2, 'the axis')
  splitInto(at, 0, at.axis(axis, at.rank(0)))
}

function splitInto(at: Operation, input: number, axis: number): void {
  const order = at.order(input)
  const sizes = at.operator.outputs.map((index) => at.values.tensor(index).shape[axis] ?? 0)
  at.move(
    [input],
    order,
    ([name]) => {
      const attributes = { axis: order.indexOf(axis) }
      return at.graph.nodeOutputs('Split', [name!, at.graph.int64(sizes)], attributes, sizes.length)
    },
    order,
  )
}

/** inputs: data, pads as rows of before and after, and for PADV2 the value. */
export function pad(at: Operation): void {
  const rank = at.rank(0)
  const pads = at.ints(1, 'pads')
  if (pads.length !== rank * 2) {
    throw corrupt(`pads of ${rank} axes for ${at.operator.name}`, `${pads.length}`)
  }
  const before = pads.filter((_, index) => index % 2 === 0)
  const after = pads.filter((_, index) => index % 2 === 1)
  const hasValue = at.has(2)
  if (
    !hasValue &&
    rank === 4 &&
    isSpatial(before) &&
    isSpatial(after) &&
    !at.isConstant(0) &&
    unchanged(at)
  ) {
    const around = [before[1]!, before[2]!, after[1]!, after[2]!]
    at.values.paddings.set(at.outputIndex(), { from: at.index(0), pads: around })
  }
  at.expect(at.shape(0).map((size, axis) => size + before[axis]! + after[axis]!))
  const mirror = at.operator.name === 'MIRROR_PAD'
  if (mirror && at.options(MIRROR_PAD).mode !== 0) {
    throw unsupported('MIRROR_PAD in its symmetric mode')
  }
  // Beside a convolution its own order saves two transpositions.
  const order = at.order(0)
  const dims = at.graph.int64([...stored(before, order), ...stored(after, order)])
  if (hasValue) {
    const x = at.node('Pad', [at.real(0, order), dims, at.real(2, [])])
    at.give(x, order)
    return
  }
  at.move(
    [0],
    order,
    ([name], { coded, zeroPoint }) =>
      mirror
        ? at.node('Pad', [name!, dims], { mode: 'reflect' })
        : at.node('Pad', coded ? [name!, dims, at.graph.uint8([zeroPoint], [])] : [name!, dims]),
    order,
  )
}

const isSpatial = (pads: readonly number[]): boolean =>
  CHANNELS_FIRST.length === pads.length && pads[0] === 0 && pads[3] === 0 && pads.every((size) => size >= 0)

function unchanged(at: Operation): boolean {
  const from = at.values.codeScale(at.index(0))
  const to = at.values.codeScale(at.outputIndex())
  return from?.scale === to?.scale && from?.zeroPoint === to?.zeroPoint
}

export function gather(at: Operation): void {
  const options = at.options(GATHER)
  const rank = at.rank(0)
  const axis = at.axis(options.axis, Math.max(1, rank))
  const to = identity(at.outputTensor().shape.length)
  if (options.batchDims === 0) {
    at.expect([...at.shape(0).filter((_, place) => place !== axis), ...at.shape(1)])
    const indices = at.real(1)
    at.move([0], identity(rank), ([name]) => at.node('Gather', [name!, indices], { axis }), to)
    return
  }
  const batch = options.batchDims < 0 ? options.batchDims + at.rank(1) : options.batchDims
  if (batch !== axis) {
    throw unsupported('GATHER with batch axes before its own')
  }
  at.expect([...at.shape(1), ...at.shape(0).slice(axis + 1)])
  const wide = at.node('Cast', [at.real(1)], { to: { type: 'int64' } })
  const indices = at.node('Unsqueeze', [wide, at.graph.int64([-1])])
  const build = ([name]: string[]) => at.graph.node('GatherND', [name!, indices], { batch_dims: batch })
  at.move([0], identity(rank), build, to)
}

export function gatherNd(at: Operation): void {
  const depth = at.shape(1).at(-1) ?? 0
  at.expect([...at.shape(1).slice(0, -1), ...at.shape(0).slice(depth)])
  const indices = at.node('Cast', [at.real(1)], { to: { type: 'int64' } })
  const to = identity(at.outputTensor().shape.length)
  at.move([0], identity(at.rank(0)), ([name]) => at.node('GatherND', [name!, indices]), to)
}

export function reverse(at: Operation): void {
  const shape = at.shape(0)
  const axes = constantInts(at.tensor(1), 'the axes of REVERSE_V2').map((axis) => at.axis(axis, shape.length))
  cut(
    at,
    0,
    axes.map((axis) => ({ axis, begin: shape[axis]! - 1, end: BEFORE_FIRST, step: -1 })),
  )
}
