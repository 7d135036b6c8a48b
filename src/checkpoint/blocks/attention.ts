import type { Module } from '../module.ts'
import { type Block, type Builder, only } from '../network/builder.ts'
import type { Value } from '../network/network.ts'
import { halves } from './stages.ts'

/** Attention over the places of a picture. */

/** softmax(qᵀ·k · scale) applied to v; q, k and v as [batch, heads, channels, places]. */
function attend({ net }: Builder, q: Value, k: Value, v: Value, scale: number): Value {
  const weights = net.softmax(net.mul(net.matmul(net.transpose(q, [0, 1, 3, 2]), k), net.scalar(scale)), 3)
  return net.matmul(v, net.transpose(weights, [0, 1, 3, 2]))
}

const attention: Block = (builder, inputs, module) => {
  const { net } = builder
  const x = only(inputs, module)
  const [batch = 1, channels = 0, height = 1, width = 1] = x.shape
  const heads = module.count('num_heads')
  const [keys, each] = [module.count('key_dim'), module.count('head_dim')]
  if (heads * each !== channels) {
    throw module.unknown(`${channels} channels in ${heads} heads`, `${each} in each`)
  }
  const qkv = builder.call(module.child('qkv'), x)
  const parts = net.reshape(qkv, [batch, heads, 2 * keys + each, height * width])
  const [q, k, v] = net.split(parts, 2, [keys, keys, each]) as [Value, Value, Value]
  const attended = net.reshape(attend(builder, q, k, v, module.number('scale')), [
    batch,
    channels,
    height,
    width,
  ])
  const places = builder.call(module.child('pe'), net.reshape(v, [batch, channels, height, width]))
  return builder.call(module.child('proj'), net.add(attended, places))
}

/** Attention, then a small network at each place; shortcuts around both where `add` says so. */
const psaBlock: Block = (builder, inputs, module) => {
  const x = only(inputs, module)
  const add = (a: Value, b: Value) => (module.flag('add') ? builder.net.add(a, b) : b)
  const y = add(x, builder.call(module.child('attn'), x))
  return add(y, builder.call(module.child('ffn'), y))
}

const psa: Block = (builder, inputs, module) => {
  const { net } = builder
  const [a, b] = halves(builder, builder.call(module.child('cv1'), only(inputs, module)), module)
  const y = net.add(b, builder.call(module.child('attn'), b))
  const z = net.add(y, builder.call(module.child('ffn'), y))
  return builder.call(module.child('cv2'), net.concat([a, z], 1))
}

const c2psa: Block = (builder, inputs, module) => {
  const [a, b] = halves(builder, builder.call(module.child('cv1'), only(inputs, module)), module)
  const y = builder.call(module.child('m'), b)
  return builder.call(module.child('cv2'), builder.net.concat([a, y], 1))
}

/**
 * Attention within bands of the picture (YOLO12): places are numbered row by row and cut into `area` bands.
 *
 * The queries, keys and values of a head lie together in the channels of `qkv`; forks that keep `qk` and `v`
 * apart have other members and are refused.
 */
const areaAttention: Block = (builder, inputs, module) => {
  const { net } = builder
  const x = only(inputs, module)
  const [batch = 1, channels = 0, height = 1, width = 1] = x.shape
  const [heads, each, area] = [module.count('num_heads'), module.count('head_dim'), module.count('area')]
  const places = height * width
  if (heads * each !== channels || area < 1 || places % area !== 0) {
    throw module.unknown(
      `${channels} channels in ${heads} heads and ${places} places in ${area} areas`,
      'a rest',
    )
  }
  const qkv = net.reshape(builder.call(module.child('qkv'), x), [batch, heads, 3 * each, area, places / area])
  const banded = net.reshape(net.transpose(qkv, [0, 3, 1, 2, 4]), [
    batch * area,
    heads,
    3 * each,
    places / area,
  ])
  const [q, k, v] = net.split(banded, 2, [each, each, each]) as [Value, Value, Value]
  const whole = (value: Value): Value => {
    const bands = net.reshape(value, [batch, area, channels, places / area])
    return net.reshape(net.transpose(bands, [0, 2, 1, 3]), [batch, channels, height, width])
  }
  const attended = whole(attend(builder, q, k, v, each ** -0.5))
  return builder.call(module.child('proj'), net.add(attended, builder.call(module.child('pe'), whole(v))))
}

const aBlock: Block = (builder, inputs, module) => {
  const { net } = builder
  const x = only(inputs, module)
  const y = net.add(x, builder.call(module.child('attn'), x))
  return net.add(y, builder.call(module.child('mlp'), y))
}

const a2c2f: Block = (builder, inputs, module) => {
  const { net } = builder
  const x = only(inputs, module)
  const all = builder.collect(module.child('m').children(), [builder.call(module.child('cv1'), x)])
  const y = builder.call(module.child('cv2'), net.concat(all, 1))
  const gamma = module.optionalTensor('gamma')
  return gamma === undefined ? y : net.add(x, net.mul(channelScale(builder, gamma, y, module), y))
}

function channelScale(
  { net }: Builder,
  gamma: { shape: readonly number[]; values(): Float32Array },
  y: Value,
  module: Module,
) {
  const channels = y.shape[1] ?? 0
  if (gamma.shape.join() !== `${channels}`) {
    throw module.unknown(`a gamma of ${channels} values`, `[${gamma.shape.join(', ')}]`)
  }
  return net.weight([1, channels, 1, 1], () => gamma.values())
}

export const ATTENTION = new Map<string, Block>([
  ['Attention', attention],
  ['PSABlock', psaBlock],
  ['PSA', psa],
  ['C2PSA', c2psa],
  ['AAttn', areaAttention],
  ['ABlock', aBlock],
  ['A2C2f', a2c2f],
])
