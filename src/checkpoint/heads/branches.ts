import type { Module } from '../module.ts'
import type { Builder } from '../network/builder.ts'
import { product, type Value } from '../network/network.ts'

/** What one branch makes of each level: maps of the same number of channels. */
export function mapsOf(builder: Builder, branch: Module, inputs: readonly Value[]): Value[] {
  const levels = branch.use().children()
  if (levels.length !== inputs.length) {
    throw branch.unknown(`${inputs.length} levels`, `${levels.length}`)
  }
  return levels.map((level, i) => builder.call(level, inputs[i]!))
}

/** Maps of all levels in one row: [1, channels, cells]. */
export function joined({ net }: Builder, maps: readonly Value[], channels: number, module: Module): Value {
  const flat = maps.map((map) => {
    if (map.shape[1] !== channels) {
      throw module.unknown(`${channels} channels`, `${map.shape[1]}`)
    }
    return net.reshape(map, [map.shape[0]!, channels, product(map.shape.slice(2))])
  })
  return net.concat(flat, 2)
}
