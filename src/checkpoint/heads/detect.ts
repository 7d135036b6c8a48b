import type { Module } from '../module.ts'
import type { Builder } from '../network/builder.ts'
import { boxesOf, distances, turnedBoxes } from './boxes.ts'
import { joined, mapsOf } from './branches.ts'
import type { Extra, ExtraContext } from './extra.ts'
import { gridOf } from './grid.ts'
import type { Head, HeadOptions, Task } from './head.ts'
import { keypointsOf } from './keypoints.ts'
import { prototypesOf } from './prototypes.ts'
import { MAX_ROWS, topRows } from './top-rows.ts'

/** The part of a head that is run: names of its branches, and those of the other one. */
interface Branches {
  oneToOne: boolean
  prefix: string
  exempt: string[]
  both: boolean
}

const ONE_TO_ONE = 'one2one_'

/**
 * Heads without anchors of YOLOv8 and all after it, for boxes and what may come with them.
 *
 * one to many  [1, 4 + classes + extra, cells]: centre, size, class scores after sigmoid, extras
 * one to one   [1, rows, 6 + extra]: corners, score, class, extras (turned boxes: centre and size)
 * cost         the rows of one form read as the other put every box off the picture
 */
function detectHead(task: Exclude<Task, 'classify'>): Head {
  return (builder, inputs, module, options) => {
    const { net } = builder
    const [classes, bins] = [module.count('nc'), module.count('reg_max')]
    const branches = chooseBranches(module, options)
    const branch = (name: string): Module => module.child(`${branches.prefix}${name}`)
    const boxMaps = mapsOf(builder, branch('cv2'), inputs)
    const boxes = joined(builder, boxMaps, 4 * bins, module)
    const logits = joined(builder, mapsOf(builder, branch('cv3'), inputs), classes, module)
    const grid = gridOf(net, boxMaps, module, options.size)
    const extra = EXTRAS[task](builder, { module, inputs, branch, grid, branches })
    const sides = distances(builder, boxes, module.child('dfl'), bins)
    const form = branches.oneToOne ? 'corners' : 'centre'
    const decoded =
      extra.angle === undefined
        ? boxesOf(builder, sides, grid, form)
        : turnedBoxes(builder, sides, extra.angle, grid)
    const scores = net.sigmoid(logits)
    const rows = branches.oneToOne
      ? topRows(builder, decoded, scores, extra.columns, rowLimit(module))
      : net.concat([decoded, scores, ...extra.columns], 1)
    return {
      outputs: [rows, ...extra.outputs],
      task,
      strides: grid.levels,
      classes,
      exempt: [...branches.exempt, ...extra.exempt].map((name) => `${module.path}.${name}`),
      ...(extra.keypoints === undefined ? {} : { keypoints: extra.keypoints }),
      ...(branches.both ? { oneToOne: branches.oneToOne } : {}),
    }
  }
}

const rowLimit = (module: Module): number =>
  typeof module.attribute('max_det') === 'number' ? module.count('max_det') : MAX_ROWS

/**
 * Which head of a network with two is meant. Files say so since 8.4; before, YOLOv10 was one to one always.
 * Fused files keep one head only.
 */
function chooseBranches(module: Module, { oneToOne }: HeadOptions): Branches {
  const has = { one: module.has(`${ONE_TO_ONE}cv2`), many: module.has('cv2') }
  const stated = [module.attribute('_end2end'), module.attribute('end2end')].find(
    (value) => typeof value === 'boolean',
  )
  const wished = oneToOne ?? stated ?? module.name === 'v10Detect'
  const chosen = has.one && (wished === true || !has.many)
  if (oneToOne === true && !has.one) {
    throw module.unknown('a one-to-one head', 'a network without')
  }
  if (oneToOne === false && !has.many) {
    throw module.unknown('a one-to-many head', 'a network that was fused without it')
  }
  const names = ['cv2', 'cv3', 'cv4', 'cv4_kpts', 'cv5']
  return {
    oneToOne: chosen,
    prefix: chosen ? ONE_TO_ONE : '',
    exempt: has.one ? names.map((name) => (chosen ? name : `${ONE_TO_ONE}${name}`)) : [],
    both: has.one,
  }
}

const EXTRAS: Record<Exclude<Task, 'classify'>, (builder: Builder, context: ExtraContext) => Extra> = {
  detect: () => ({ columns: [], outputs: [], exempt: [] }),
  segment: prototypesOf,
  pose: keypointsOf,
  obb: angleOf,
}

/** One angle a cell, in radians. YOLO26 gives it as it is, older heads a share of a turn from −45 to 135 degrees. */
function angleOf(builder: Builder, { module, inputs, branch }: ExtraContext): Extra {
  const { net } = builder
  const values = joined(builder, mapsOf(builder, branch('cv4'), inputs), module.count('ne'), module)
  if (values.shape[1] !== 1) {
    throw module.unknown('one angle a box', `${values.shape[1]}`)
  }
  const angle =
    module.name === 'OBB26'
      ? values
      : net.mul(net.binary('Sub', net.sigmoid(values), net.scalar(0.25)), net.scalar(Math.PI))
  return { columns: [angle], outputs: [], exempt: [], angle }
}

/**
 * YOLOv9 of its own repository as it is trained: the second half of the inputs and branches is the head, the first
 * one guides the training and is left out.
 */
const dualDetect: Head = (builder, inputs, module, { size }) => {
  const { net } = builder
  const [classes, bins] = [module.count('nc'), module.count('reg_max')]
  const main = inputs.slice(inputs.length / 2)
  const boxMaps = mapsOf(builder, module.child('cv4'), main)
  const boxes = joined(builder, boxMaps, 4 * bins, module)
  const logits = joined(builder, mapsOf(builder, module.child('cv5'), main), classes, module)
  const grid = gridOf(net, boxMaps, module, size)
  const sides = distances(builder, boxes, module.child('dfl2'), bins)
  return {
    outputs: [net.concat([boxesOf(builder, sides, grid, 'centre'), net.sigmoid(logits)], 1)],
    task: 'detect',
    strides: grid.levels,
    classes,
    exempt: ['cv2', 'cv3', 'dfl'].map((name) => `${module.path}.${name}`),
  }
}

export const ANCHOR_FREE_HEADS = new Map<string, Head>([
  ['Detect', detectHead('detect')],
  ['DDetect', detectHead('detect')],
  ['DualDDetect', dualDetect],
  ['v10Detect', detectHead('detect')],
  ['Segment', detectHead('segment')],
  ['Segment26', detectHead('segment')],
  ['Pose', detectHead('pose')],
  ['Pose26', detectHead('pose')],
  ['OBB', detectHead('obb')],
  ['OBB26', detectHead('obb')],
])
