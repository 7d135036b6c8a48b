import type { Module } from '../module.ts'
import { type Block, type Builder, only } from '../network/builder.ts'
import type { Value } from '../network/network.ts'

/** Stages: the input is split or projected, bottlenecks work on a part, and all parts are joined. */

/** The two halves of the channels of `x`. */
export function halves({ net }: Builder, x: Value, module: Module): [Value, Value] {
  const channels = x.shape[1] ?? 0
  if (channels % 2 !== 0) {
    throw module.unknown('an even number of channels', `${channels}`)
  }
  return net.split(x, 1, [channels / 2, channels / 2]) as [Value, Value]
}

/** Split in two; each bottleneck continues the last part; all are joined. */
const c2f: Block = (builder, inputs, module) => {
  const parts = halves(builder, builder.call(module.child('cv1'), only(inputs, module)), module)
  const all = builder.collect(module.child('m').children(), parts)
  return builder.call(module.child('cv2'), builder.net.concat(all, 1))
}

const c1: Block = (builder, inputs, module) => {
  const y = builder.call(module.child('cv1'), only(inputs, module))
  return builder.net.add(builder.call(module.child('m'), y), y)
}

const c2: Block = (builder, inputs, module) => {
  const [a, b] = halves(builder, builder.call(module.child('cv1'), only(inputs, module)), module)
  return builder.call(module.child('cv2'), builder.net.concat([builder.call(module.child('m'), a), b], 1))
}

/** Two projections, bottlenecks on the first, joined. */
const c3: Block = (builder, inputs, module) => {
  const x = only(inputs, module)
  const y = builder.call(module.child('m'), builder.call(module.child('cv1'), x))
  const beside = builder.call(module.child('cv2'), x)
  return builder.call(module.child('cv3'), builder.net.concat([y, beside], 1))
}

const c3f: Block = (builder, inputs, module) => {
  const x = only(inputs, module)
  const parts = [builder.call(module.child('cv2'), x), builder.call(module.child('cv1'), x)]
  const all = builder.collect(module.child('m').children(), parts)
  return builder.call(module.child('cv3'), builder.net.concat(all, 1))
}

/** As C3, but the two branches are added (RT-DETR). */
const repC3: Block = (builder, inputs, module) => {
  const x = only(inputs, module)
  const y = builder.call(module.child('m'), builder.call(module.child('cv1'), x))
  return builder.call(module.child('cv3'), builder.net.add(y, builder.call(module.child('cv2'), x)))
}

/** Two long branches after a split (YOLOv9). */
const elan: Block = (builder, inputs, module) => {
  const parts = halves(builder, builder.call(module.child('cv1'), only(inputs, module)), module)
  const all = builder.collect([module.child('cv2'), module.child('cv3')], parts)
  return builder.call(module.child('cv4'), builder.net.concat(all, 1))
}

const hgBlock: Block = (builder, inputs, module) => {
  const x = only(inputs, module)
  const joined = builder.net.concat(builder.collect(module.child('m').children(), [x]), 1)
  const y = builder.chain([module.child('sc'), module.child('ec')], joined)
  return module.flag('add') ? builder.net.add(y, x) : y
}

export const STAGES = new Map<string, Block>([
  ['C1', c1],
  ['C2', c2],
  ['C2f', c2f],
  ['C3k2', c2f],
  ['C2fCIB', c2f],
  ['C2fPSA', c2f],
  ['C3', c3],
  ['C3k', c3],
  ['C3x', c3],
  ['C3Ghost', c3],
  ['RepCSP', c3],
  ['RepNCSP', c3],
  ['C3f', c3f],
  ['RepC3', repC3],
  ['RepNCSPELAN4', elan],
  ['ELAN1', elan],
  ['HGBlock', hgBlock],
])
