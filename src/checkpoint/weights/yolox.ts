import { everySecondPixel } from '../blocks/resampling.ts'
import { joined } from '../heads/branches.ts'
import { convolve, filterOf } from '../layers/convolution.ts'
import type { Module } from '../module.ts'
import type { Builder } from '../network/builder.ts'
import type { Value } from '../network/network.ts'
import { type Activate, convolved, leaky, separable, silu, spatialPools } from './blocks.ts'
import { darknetPyramid } from './darknet.ts'
import type { WeightFamily } from './family.ts'

/** Pixels of a cell at each level. */
const STRIDES = [8, 16, 32]
/** Channels of the first layer of YOLOX-Tiny; it and all narrower ones are trained with smaller pictures. */
const TINY_CHANNELS = 24
const [TINY_EDGE, EDGE] = [416, 640]

/**
 * YOLOX from its weights: depth, width, classes and depthwise filters follow from names and shapes.
 *
 * output  [1, cells, 5 + classes]: offsets in cells, logarithms of size in cells, objectness and class scores
 *         after sigmoid, as the maker's exporter gives them; pictures are BGR, 0–255
 * source  YOLOX, https://arxiv.org/abs/2107.08430, and its repository (Apache-2.0)
 * cost    another activation than assumed gives noise, which no shape tells
 */
export const yolox: WeightFamily = {
  name: 'YOLOX',
  epsilon: 1e-3,
  heads: 0,
  holds: (weights) =>
    ['head.stems.0.conv.weight', 'head.obj_preds.0.weight'].every((key) => weights.has(key)),
  stride: STRIDES.at(-1)!,
  edge: (root) =>
    !isDarknet(root) && stemOf(root).child('conv').tensor('weight').shape[0]! <= TINY_CHANNELS
      ? TINY_EDGE
      : EDGE,
  assumptions: (root) => [
    `YOLOX weights name neither classes nor activation: ${isDarknet(root) ? 'a leaky ReLU' : 'SiLU'} is assumed, as in the published networks.`,
  ],
  build(builder, picture, root, { size }) {
    const activate = isDarknet(root) ? leaky : silu
    const backbone = root.child('backbone').use()
    const maps = isDarknet(root)
      ? darknetPyramid(builder, picture, backbone, activate)
      : pyramid(builder, picture, backbone, activate)
    const head = root.child('head').use()
    const classes = head.child('cls_preds').child('0').tensor('weight').shape[0]!
    const rows = maps.map((map, level) => {
      const stride = STRIDES[level]!
      if (map.shape[2]! * stride !== size.height || map.shape[3]! * stride !== size.width) {
        throw head.unknown(`cells of ${stride} pixels`, `${map.shape[3]} by ${map.shape[2]} cells`)
      }
      return predictions(builder, map, head, level, activate)
    })
    const all = joined(builder, rows, 5 + classes, head)
    return {
      outputs: [builder.net.transpose(all, [0, 2, 1])],
      task: 'detect',
      strides: STRIDES,
      classes,
      exempt: [],
    }
  },
}

const isDarknet = (root: Module): boolean => root.child('backbone').has('out1_cbl')
const stemOf = (root: Module): Module => root.child('backbone').child('backbone').child('stem').child('conv')

/** CSPDarknet and the pyramid over it: the maps of strides 8, 16 and 32. */
function pyramid(builder: Builder, picture: Value, module: Module, activate: Activate): Value[] {
  const { net } = builder
  const one = (name: string, x: Value) => convolved(builder, x, module.child(name), activate)
  const half = (name: string, x: Value) => separable(builder, x, module.child(name), activate, 2)
  const stage = (name: string, ...inputs: Value[]) =>
    csp(builder, net.concat(inputs, 1), module.child(name), activate, false)
  const [fine, middle, coarse] = stages(builder, picture, module.child('backbone').use(), activate)
  const top = one('lateral_conv0', coarse)
  const second = one('reduce_conv1', stage('C3_p4', net.enlarge(top, 2), middle))
  const finest = stage('C3_p3', net.enlarge(second, 2), fine)
  const next = stage('C3_n3', half('bu_conv2', finest), second)
  return [finest, next, stage('C3_n4', half('bu_conv1', next), top)]
}

function stages(builder: Builder, picture: Value, module: Module, activate: Activate): [Value, Value, Value] {
  const stem = module.child('stem').use().child('conv')
  const parts = (name: string) => module.child(name).use().children() as [Module, Module, Module]
  const stage = (name: string, x: Value) => {
    const [down, layer] = parts(name)
    return csp(builder, separable(builder, x, down, activate, 2), layer, activate, true)
  }
  const first = convolved(builder, everySecondPixel(builder, picture), stem, activate)
  const fine = stage('dark3', stage('dark2', first))
  const middle = stage('dark4', fine)
  const [down, pools, layer] = parts('dark5')
  const pooled = spatialPools(builder, separable(builder, middle, down, activate, 2), pools, activate)
  return [fine, middle, csp(builder, pooled, layer, activate, false)]
}

/** Two projections, bottlenecks on the first, joined; with shortcuts in the stages that keep the width. */
function csp(builder: Builder, x: Value, module: Module, activate: Activate, shortcut: boolean): Value {
  module.use()
  let y = convolved(builder, x, module.child('conv1'), activate)
  const beside = convolved(builder, x, module.child('conv2'), activate)
  for (const bottleneck of module.child('m').use().children()) {
    bottleneck.use()
    const inner = convolved(builder, y, bottleneck.child('conv1'), activate)
    const z = separable(builder, inner, bottleneck.child('conv2'), activate)
    y = shortcut ? builder.net.add(z, y) : z
  }
  return convolved(builder, builder.net.concat([y, beside], 1), module.child('conv3'), activate)
}

/** Box, objectness and classes of one level, one under the other. */
function predictions(builder: Builder, map: Value, head: Module, level: number, activate: Activate): Value {
  const { net } = builder
  const at = (name: string): Module => head.child(name).use().child(`${level}`)
  const branch = (name: string, x: Value) =>
    at(name)
      .use()
      .children()
      .reduce((value, part) => separable(builder, value, part, activate), x)
  const last = (name: string, x: Value) => convolve(net, x, filterOf(at(name)), at(name))
  const shared = convolved(builder, map, at('stems'), activate)
  const [classes, boxes] = [branch('cls_convs', shared), branch('reg_convs', shared)]
  return net.concat(
    [
      last('reg_preds', boxes),
      net.sigmoid(last('obj_preds', boxes)),
      net.sigmoid(last('cls_preds', classes)),
    ],
    1,
  )
}
