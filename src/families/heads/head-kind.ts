import type { ModelSignature } from '../../model/signature.ts'
import { tailOf } from './shapes.ts'

/**
 * What the last layers of a network show of how it finds boxes, whatever the graph does with them afterwards.
 *
 * distribution  a distribution for each side and a layer of classes: YOLOv8, v9, 11, 12, v6 with DFL, YOLO-NAS
 * plain         four values and a layer of classes: YOLO26, v6, RTMDet
 * objectness    four values, an objectness and a layer of classes: YOLOX
 * joint         one layer for anchors with box, objectness and classes: YOLOv3, v4, v5, v7
 * anchors       a layer of boxes and one of classes for some anchors a cell: RetinaNet, SSD, EfficientDet
 * centreness    four values, a centreness and a layer of classes: FCOS
 * regions       a second stage that looks at regions: Faster, Mask and Keypoint R-CNN
 * queries       attention that samples the picture: RT-DETR, D-FINE, RF-DETR
 */
export interface HeadKind {
  kind: 'distribution' | 'plain' | 'objectness' | 'joint' | 'anchors' | 'centreness' | 'regions' | 'queries'
  /** Channels of the class layers for each anchor, where they tell. */
  classes: number | undefined
}

/** Kinds that are fed as the YOLO line is. */
const YOLO_KINDS: readonly string[] = ['distribution', 'plain', 'objectness', 'joint']
/** Kinds that torchvision and what builds on it have. */
const TORCHVISION_KINDS: readonly string[] = ['anchors', 'centreness', 'regions']

export const isYoloHead = (head: HeadKind | undefined): boolean =>
  head !== undefined && YOLO_KINDS.includes(head.kind)

export const isTorchvisionHead = (head: HeadKind | undefined): boolean =>
  head !== undefined && TORCHVISION_KINDS.includes(head.kind)

/** Four sides of 16 or 17 bins. */
const BINS = [64, 68]
/** Fewest and most levels of a pyramid. */
const LEVELS = { least: 2, most: 6 }
const ANCHORS_OF_JOINT = 3
const MOST_JOINT = 4
/** Box, objectness and one class. */
const LEAST_JOINT = 6
/** Anchors of a cell that SSD, RetinaNet and EfficientDet have. */
const ANCHORS = [2, 3, 4, 5, 6, 9]

/**
 * The kind of head behind an output; undefined where the layers show none, as in a graph cut too short.
 *
 * cost  final boxes, scores and labels look alike whatever network they are from: read as another one's, a picture
 *       is normalised wrongly, and fewer objects are found without a word
 */
export function headKind(signature: ModelSignature, output: string): HeadKind | undefined {
  const { ops } = signature
  if ((ops.RoiAlign ?? 0) > 0) {
    return { kind: 'regions', classes: undefined }
  }
  if ((ops.GridSample ?? 0) > 0) {
    return { kind: 'queries', classes: undefined }
  }
  const tail = tailOf(signature, output)
  return tail === undefined ? undefined : headOf(tail.weightedChannels, tail.ops)
}

function headOf(layers: readonly number[], ops: readonly string[]): HeadKind | undefined {
  const anchored = classesOfAnchors(layers)
  if (anchored !== undefined) {
    return { kind: 'anchors', classes: anchored }
  }
  const isJoint = layers.every((width) => width === layers[0])
  const [first = 0] = layers
  const columns = first / ANCHORS_OF_JOINT
  const isPyramid = layers.length >= LEVELS.least && layers.length <= MOST_JOINT
  if (isJoint && isPyramid && Number.isInteger(columns) && columns >= LEAST_JOINT) {
    return { kind: 'joint', classes: columns - LEAST_JOINT + 1 }
  }
  for (let levels = LEVELS.least; levels <= LEVELS.most; levels++) {
    if (layers.length === 3 * levels) {
      const classes = left(layers, levels, [4, 1])
      if (classes !== undefined) {
        return { kind: ops.includes('Sqrt') ? 'centreness' : 'objectness', classes }
      }
    }
    if (layers.length === 2 * levels) {
      const bins = BINS.find((width) => left(layers, levels, [width]) !== undefined)
      if (bins !== undefined && ops.includes('Softmax')) {
        return { kind: 'distribution', classes: left(layers, levels, [bins]) }
      }
      const classes = left(layers, levels, [4])
      if (classes !== undefined) {
        return { kind: 'plain', classes }
      }
    }
  }
  return undefined
}

/** The one width that is left when each of some widths is taken away once a level; undefined where more are. */
function left(layers: readonly number[], levels: number, widths: readonly number[]): number | undefined {
  const rest = [...layers]
  for (const width of widths) {
    for (let level = 0; level < levels; level++) {
      const at = rest.indexOf(width)
      if (at < 0) {
        return undefined
      }
      rest.splice(at, 1)
    }
  }
  const [width] = rest
  return width !== undefined && rest.every((other) => other === width) ? width : undefined
}

/** Channels for each anchor where one half of the layers has four for each, and the other one number of them. */
function classesOfAnchors(layers: readonly number[]): number | undefined {
  const half = layers.length / 2
  if (!Number.isInteger(half) || half <= LEVELS.least) {
    return undefined
  }
  const halves = [layers.slice(0, half), layers.slice(half)] as const
  for (const [boxes, classes] of [halves, [halves[1], halves[0]] as const]) {
    const anchors = boxes.map((width) => width / 4)
    const columns = classes.map((width, level) => width / anchors[level]!)
    const [first] = columns
    if (
      anchors.every((count) => ANCHORS.includes(count)) &&
      Number.isInteger(first) &&
      columns.every((count) => count === first)
    ) {
      return first
    }
  }
  return undefined
}
