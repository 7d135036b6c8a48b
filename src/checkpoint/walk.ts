import type { HeadOptions, HeadResult } from './heads/head.ts'
import { crossLevelOf, headOf } from './libraries.ts'
import { corrupt, MAX_SOURCES, quoted, tooLarge, unsupported } from './limits.ts'
import type { Module } from './module.ts'
import type { Builder } from './network/builder.ts'
import type { Value } from './network/network.ts'
import { exportHint } from './ways.ts'

/**
 * Runs the layers of `model.model` in order: each names by `f` the layers that it takes, −1 being the one
 * before it, and the last one is the head.
 */
export function walkLayers(
  builder: Builder,
  layers: readonly Module[],
  picture: Value,
  options: HeadOptions,
): HeadResult {
  const results: Value[][] = []
  for (const [index, layer] of layers.entries()) {
    const sources = sourcesOf(layer, index, results, picture)
    if (index === layers.length - 1) {
      return runHead(builder, layer, sources.flat(), options)
    }
    const joining = crossLevelOf(layer)
    results.push(
      joining !== undefined
        ? builder.net.within(layer.path, () => joining(builder, sources, layer.use()))
        : [builder.call(layer, ...sources.flat())],
    )
  }
  throw corrupt('a network with layers', 'one without')
}

function sourcesOf(layer: Module, index: number, results: readonly Value[][], picture: Value): Value[][] {
  const stated = layer.attribute('f')
  const places = Array.isArray(stated) ? stated : [stated]
  if (places.length > MAX_SOURCES) {
    throw tooLarge('inputs of a layer', MAX_SOURCES, places.length)
  }
  return places.map((place) => {
    const at = typeof place === 'number' ? (place < 0 ? index + place : place) : Number.NaN
    const found = at === -1 ? [picture] : results[at]
    if (found === undefined) {
      throw layer.unknown(
        'the numbers of layers before it',
        typeof place === 'number' ? `${place}` : 'another value',
      )
    }
    return found
  })
}

function runHead(
  builder: Builder,
  layer: Module,
  inputs: readonly Value[],
  options: HeadOptions,
): HeadResult {
  const head = headOf(layer)
  if (head === undefined) {
    throw unsupported(
      'a head that Boxlet knows',
      `${quoted(layer.type)} at ${quoted(layer.path)}`,
      exportHint(layer.type),
    )
  }
  return builder.net.within(layer.path, () => head(builder, inputs, layer.use(), options))
}
