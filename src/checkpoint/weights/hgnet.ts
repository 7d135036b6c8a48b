import { maxPool } from '../layers/pooling.ts'
import { pad } from '../layers/torch.ts'
import type { Module } from '../module.ts'
import type { Builder } from '../network/builder.ts'
import type { Value } from '../network/network.ts'
import { type Activate, convolved, linearly, relu } from './blocks.ts'

/**
 * PP-HGNetV2 in any of its sizes: the maps of its last stages, the coarsest of stride 32.
 *
 * source  PP-HGNetV2 of PaddlePaddle (Apache-2.0), with the names of D-FINE's repository
 */
export function hgnet(builder: Builder, picture: Value, module: Module, levels: number): Value[] {
  let x = stem(builder, picture, module.use().child('stem').use())
  const maps = module
    .child('stages')
    .use()
    .children()
    .map((part) => {
      x = stage(builder, x, part.use())
      return x
    })
  return maps.slice(-levels)
}

function stem(builder: Builder, picture: Value, module: Module): Value {
  const { net } = builder
  const one = (name: string, x: Value, stride: 1 | 2 = 1) =>
    unit(builder, x, module.child(name), relu, stride)
  const x = pad(net, one('stem1', picture, 2), [0, 0, 1, 1])
  const y = one('stem2b', pad(net, one('stem2a', x), [0, 0, 1, 1]))
  const pooled = maxPool(net, x, { kernel: [2, 2], stride: [1, 1], padding: [0, 0] })
  return one('stem4', one('stem3', net.concat([pooled, y], 1), 2))
}

function stage(builder: Builder, input: Value, module: Module): Value {
  const halving = module.optional('downsample')
  let x = halving === undefined ? input : unit(builder, input, halving, linearly, 2)
  for (const [i, part] of module.child('blocks').use().children().entries()) {
    const y = block(builder, x, part.use())
    x = i === 0 ? y : builder.net.add(y, x)
  }
  return x
}

/** Layers one after the other; all their results are joined and narrowed. */
function block(builder: Builder, x: Value, module: Module): Value {
  const results = [x]
  for (const layer of module.child('layers').use().children()) {
    const last = results.at(-1)!
    results.push(layer.has('conv') ? unit(builder, last, layer, relu) : light(builder, last, layer.use()))
  }
  return module
    .child('aggregation')
    .use()
    .children()
    .reduce((value, part) => unit(builder, value, part, relu), builder.net.concat(results, 1))
}

/** A filter over the channels, then one on each of them. */
const light = (builder: Builder, x: Value, module: Module): Value =>
  unit(builder, unit(builder, x, module.child('conv1'), linearly), module.child('conv2'), relu)

/** Filter, norm and activation; the smaller networks scale and shift what comes out by two learnt numbers. */
function unit(builder: Builder, x: Value, module: Module, activate: Activate, stride: 1 | 2 = 1): Value {
  const { net } = builder
  const y = convolved(builder, x, module, activate, stride)
  const affine = module.optional('lab')
  if (affine === undefined) {
    return y
  }
  affine.use()
  const [scale, bias] = [affine.tensor('scale'), affine.tensor('bias')]
  if (scale.elements !== 1 || bias.elements !== 1) {
    throw affine.unknown('one number for scale and bias', `${scale.elements} and ${bias.elements}`)
  }
  const scaled = net.mul(
    y,
    net.weight([1], () => scale.values()),
  )
  return net.binary(
    'Add',
    scaled,
    net.weight([1], () => bias.values()),
  )
}
