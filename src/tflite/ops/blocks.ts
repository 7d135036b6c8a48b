import { corrupt } from '../limits.ts'
import type { Operation } from '../operation.ts'
import { CHANNELS_FIRST, identity } from '../order.ts'
import { BLOCK } from '../schema.ts'
import { needRank } from './window.ts'

/** DEPTH_TO_SPACE and SPACE_TO_DEPTH: blocks lie as row, column, channel in both formats. */
export const depthBlocks =
  (op: 'DepthToSpace' | 'SpaceToDepth') =>
  (at: Operation): void => {
    needRank(at, 0, 4)
    const blocksize = at.options(BLOCK).blockSize
    const attributes = op === 'DepthToSpace' ? { blocksize, mode: 'DCR' } : { blocksize }
    const x = at.real(0, CHANNELS_FIRST)
    at.give(at.graph.node(op, [x], attributes), CHANNELS_FIRST)
  }

/** inputs: picture, block sizes, pads. Old exports write a dilated convolution with this before it. */
export function spaceToBatch(at: Operation): void {
  const { blocks, margins } = blockArguments(at)
  const [batch, height, width, channels] = at.shape(0) as [number, number, number, number]
  const rows = (height + margins[0]! + margins[1]!) / blocks[0]!
  const columns = (width + margins[2]! + margins[3]!) / blocks[1]!
  needWhole(at, [rows, columns])
  at.expect([batch * blocks[0]! * blocks[1]!, rows, columns, channels])
  const order = identity(4)
  at.move(
    [0],
    order,
    ([name], { coded, zeroPoint }) => {
      const dims = at.graph.int64([0, margins[0]!, margins[2]!, 0, 0, margins[1]!, margins[3]!, 0])
      const padded = at.node('Pad', coded ? [name!, dims, at.graph.uint8([zeroPoint], [])] : [name!, dims])
      const cut = [batch, rows, blocks[0]!, columns, blocks[1]!, channels]
      const blocked = at.node('Reshape', [padded, at.graph.int64(cut)])
      const moved = at.node('Transpose', [blocked], { perm: [2, 4, 0, 1, 3, 5] })
      const to = [batch * blocks[0]! * blocks[1]!, rows, columns, channels]
      return at.node('Reshape', [moved, at.graph.int64(to)])
    },
    order,
  )
}

/** inputs: picture, block sizes, crops. */
export function batchToSpace(at: Operation): void {
  const { blocks, margins } = blockArguments(at)
  const [batch, height, width, channels] = at.shape(0) as [number, number, number, number]
  const pictures = batch / (blocks[0]! * blocks[1]!)
  needWhole(at, [pictures])
  const rows = height * blocks[0]!
  const columns = width * blocks[1]!
  const order = identity(4)
  at.move(
    [0],
    order,
    ([name]) => {
      const cut = [blocks[0]!, blocks[1]!, pictures, height, width, channels]
      const blocked = at.node('Reshape', [name!, at.graph.int64(cut)])
      const moved = at.node('Transpose', [blocked], { perm: [2, 3, 0, 4, 1, 5] })
      const whole = at.node('Reshape', [moved, at.graph.int64([pictures, rows, columns, channels])])
      return at.node('Slice', [
        whole,
        at.graph.int64([margins[0]!, margins[2]!]),
        at.graph.int64([rows - margins[1]!, columns - margins[3]!]),
        at.graph.int64([1, 2]),
      ])
    },
    order,
  )
}

function needWhole(at: Operation, counts: number[]): void {
  if (!counts.every(Number.isInteger)) {
    throw corrupt(`whole blocks for ${at.operator.name}`, counts.join(', '))
  }
}

function blockArguments(at: Operation): { blocks: number[]; margins: number[] } {
  needRank(at, 0, 4)
  const blocks = at.ints(1, 'block sizes')
  const margins = at.ints(2, 'margins')
  if (blocks.length !== 2 || margins.length !== 4 || blocks.some((size) => size < 1)) {
    throw corrupt(`two block sizes for ${at.operator.name}`, blocks.join(', '))
  }
  return { blocks, margins }
}
