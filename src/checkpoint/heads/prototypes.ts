import type { Module } from '../module.ts'
import type { Builder } from '../network/builder.ts'
import type { Value } from '../network/network.ts'
import { joined, mapsOf } from './branches.ts'
import type { Extra, ExtraContext } from './extra.ts'

/** Mask coefficients of each cell, and the prototype masks that they are for: [1, masks, height / 4, width / 4]. */
export function prototypesOf(builder: Builder, { module, inputs, branch }: ExtraContext): Extra {
  const masks = module.count('nm')
  const coefficients = joined(builder, mapsOf(builder, branch('cv4'), inputs), masks, module)
  return {
    columns: [coefficients],
    outputs: [prototypeMaps(builder, module, inputs)],
    exempt: ['proto.semseg'],
  }
}

/** @param module the head, which says how many masks there are */
export function prototypeMaps(builder: Builder, module: Module, inputs: readonly Value[]): Value {
  const proto = module.child('proto').use()
  const maps = builder.net.within(proto.path, () => {
    const feature = proto.name === 'Proto26' ? refined(builder, proto, inputs) : inputs[0]!
    return builder.chain(
      ['cv1', 'upsample', 'cv2', 'cv3'].map((name) => proto.child(name)),
      feature,
    )
  })
  const masks = module.count('nm')
  if (maps.shape[1] !== masks) {
    throw proto.unknown(`${masks} masks`, `${maps.shape[1]}`)
  }
  return maps
}

/** YOLO26 adds what the coarser levels see to the finest one first. */
function refined(builder: Builder, proto: Module, inputs: readonly Value[]): Value {
  const { net } = builder
  let [feature, ...coarser] = inputs as [Value, ...Value[]]
  const refine = proto.child('feat_refine').use().children()
  if (refine.length !== coarser.length) {
    throw proto.unknown(`${coarser.length} coarser levels`, `${refine.length}`)
  }
  for (const [i, module] of refine.entries()) {
    const map = builder.call(module, coarser[i]!)
    feature = net.add(feature, net.enlarge(map, feature.shape[2]! / map.shape[2]!))
  }
  return builder.call(proto.child('feat_fuse'), feature)
}
