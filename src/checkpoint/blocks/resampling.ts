import { averagePool, maxPool } from '../layers/pooling.ts'
import { pad } from '../layers/torch.ts'
import type { Module } from '../module.ts'
import { type Block, type Builder, only } from '../network/builder.ts'
import type { Value } from '../network/network.ts'
import { halves } from './stages.ts'

/** Blocks that change the size of the picture, or look at it through several windows. */

/** Every second pixel, four times: half the edge, four times the channels. */
export function everySecondPixel(
  { net }: Builder,
  x: Value,
  places: readonly (readonly [number, number])[] = FOCUS_ORDER,
): Value {
  const [, , height = 0, width = 0] = x.shape
  return net.concat(
    places.map(([row, column]) => net.slice(net.slice(x, 2, row, height, 2), 3, column, width, 2)),
    1,
  )
}

/** Order of YOLOv5 and YOLOX: down first, then right. */
const FOCUS_ORDER = [
  [0, 0],
  [1, 0],
  [0, 1],
  [1, 1],
] as const

const focus: Block = (builder, inputs, module) =>
  builder.call(module.child('conv'), everySecondPixel(builder, only(inputs, module), FOCUS_ORDER))

/** Order of YOLOv7. */
const reOrg: Block = (builder, inputs, module) => everySecondPixel(builder, only(inputs, module), FOCUS_ORDER)

const spp: Block = (builder, inputs, module) => {
  const x = builder.call(module.child('cv1'), only(inputs, module))
  const pools = module.child('m').children()
  return builder.call(
    module.child('cv2'),
    builder.net.concat([x, ...pools.map((pool) => builder.call(pool, x))], 1),
  )
}

/** Times that the pool is applied where the file does not say: always in files before `n` was added. */
const SPPF_POOLS = 3

const sppf: Block = (builder, inputs, module) => {
  const x = only(inputs, module)
  const times = module.attribute('n') === undefined ? SPPF_POOLS : module.count('n')
  if (times > 16) {
    throw module.unknown('at most 16 pools', `${times}`)
  }
  const pools = Array.from({ length: times }, () => module.child('m'))
  const all = builder.collect(pools, [builder.call(module.child('cv1'), x)])
  const y = builder.call(module.child('cv2'), builder.net.concat(all, 1))
  return module.attribute('add') === true ? builder.net.add(y, x) : y
}

const sppelan: Block = (builder, inputs, module) => {
  const x = builder.call(module.child('cv1'), only(inputs, module))
  const all = builder.collect(
    ['cv2', 'cv3', 'cv4'].map((name) => module.child(name)),
    [x],
  )
  return builder.call(module.child('cv5'), builder.net.concat(all, 1))
}

/** The mean of four neighbours, the window moving by one. */
const smoothed = ({ net }: Builder, x: Value): Value =>
  averagePool(net, x, { kernel: [2, 2], stride: [1, 1], padding: [0, 0] })

const aConv: Block = (builder, inputs, module) =>
  builder.call(module.child('cv1'), smoothed(builder, only(inputs, module)))

const aDown: Block = (builder, inputs, module) => {
  const [a, b] = halves(builder, smoothed(builder, only(inputs, module)), module)
  const pooled = maxPool(builder.net, b, { kernel: [3, 3], stride: [2, 2], padding: [1, 1] })
  return builder.net.concat(
    [builder.call(module.child('cv1'), a), builder.call(module.child('cv2'), pooled)],
    1,
  )
}

const scDown: Block = (builder, inputs, module) =>
  builder.chain([module.child('cv1'), module.child('cv2')], only(inputs, module))

/** First layers of PP-HGNet; its pool and filters of two see one row and column of zeros behind the picture. */
const hgStem: Block = (builder, inputs, module) => {
  const { net } = builder
  const x = pad(net, builder.call(module.child('stem1'), only(inputs, module)), [0, 0, 1, 1])
  const y = builder.call(
    module.child('stem2b'),
    pad(net, builder.call(module.child('stem2a'), x), [0, 0, 1, 1]),
  )
  const joined = net.concat([builder.call(module.child('pool'), x), y], 1)
  return builder.chain([module.child('stem3'), module.child('stem4')], joined)
}

/** A pool in a module of its own (YOLOv7). */
const pooling: Block = (builder, inputs, module) => builder.call(module.child('m'), only(inputs, module))

/** As SPP, between more convolutions, and beside a branch without any (YOLOv7). */
const sppcspc: Block = (builder, inputs, module) => {
  const x = only(inputs, module)
  const parts = (...names: string[]) => names.map((name) => module.child(name))
  const first = builder.chain(parts('cv1', 'cv3', 'cv4'), x)
  const pools = module.child('m').use().children()
  const seen = builder.net.concat([first, ...pools.map((pool) => builder.call(pool, first))], 1)
  const joined = builder.net.concat(
    [builder.chain(parts('cv5', 'cv6'), seen), builder.call(module.child('cv2'), x)],
    1,
  )
  return builder.call(module.child('cv7'), joined)
}

/** Joins layers along `d`, which is the channels. */
const concat: Block = ({ net }, inputs, module: Module) => {
  if (module.count('d') !== 1) {
    throw module.unknown('layers joined along their channels', 'another axis')
  }
  return net.concat(inputs, 1)
}

/** Hands the picture on, so that later layers can name it (YOLOv9). */
const silence: Block = (_, inputs, module) => only(inputs, module)

export const RESAMPLING = new Map<string, Block>([
  ['Focus', focus],
  ['ReOrg', reOrg],
  ['SPP', spp],
  ['SPPF', sppf],
  ['SPPELAN', sppelan],
  ['AConv', aConv],
  ['ADown', aDown],
  ['SCDown', scDown],
  ['HGStem', hgStem],
  ['Concat', concat],
  ['Silence', silence],
  ['MP', pooling],
  ['SP', pooling],
  ['SPPCSPC', sppcspc],
])
