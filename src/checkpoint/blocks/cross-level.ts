import type { Module } from '../module.ts'
import type { Builder } from '../network/builder.ts'
import type { Value } from '../network/network.ts'

/** Layers that give several values, or choose among those of others (YOLOv9-E). */
export type CrossLevel = (builder: Builder, sources: readonly (readonly Value[])[], module: Module) => Value[]

const cbLinear: CrossLevel = (builder, sources, module) => {
  const widths = module.attribute('c2s')
  const [x, ...more] = sources.flat()
  if (x === undefined || more.length > 0 || !isCounts(widths)) {
    throw module.unknown('one input and the widths of its parts', 'other values')
  }
  return builder.net.split(builder.call(module.child('conv'), x), 1, widths)
}

/** Adds one part of each source, enlarged to the size of the last one. */
const cbFuse: CrossLevel = (builder, sources, module) => {
  const { net } = builder
  const chosen = module.attribute('idx')
  const last = sources.at(-1)?.[0]
  if (!isCounts(chosen) || last === undefined || chosen.length !== sources.length - 1) {
    throw module.unknown(`${sources.length - 1} numbers of parts`, 'other values')
  }
  let sum = last
  for (const [i, part] of chosen.entries()) {
    const value = sources[i]![part]
    if (value === undefined) {
      throw module.unknown(`a part ${part}`, 'none')
    }
    const factor = last.shape[2]! / value.shape[2]!
    sum = net.add(factor === 1 ? value : net.enlarge(value, factor), sum)
  }
  return [sum]
}

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && (item as number) >= 0)

export const CROSS_LEVEL = new Map<string, CrossLevel>([
  ['CBLinear', cbLinear],
  ['CBFuse', cbFuse],
])
