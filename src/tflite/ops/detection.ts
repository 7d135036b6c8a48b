import { type FlexValues, readFlexMap } from '../flexbuffer.ts'
import { corrupt, unsupported } from '../limits.ts'
import type { Operation } from '../operation.ts'

/** Anchors of the largest heads come to about 80,000; a few hundred boxes are kept of them. */
const MAX_DETECTIONS = 10_000

/** What the custom operator gives, in its order, by the names that TensorFlow's detectors use. */
export const DETECTION_OUTPUTS = [
  'detection_boxes',
  'detection_classes',
  'detection_scores',
  'num_detections',
] as const

/** Boxes and scores before suppression, by the names of TensorFlow's exporter. */
export interface RawDetections {
  /** float [1, anchors, 4]: top, left, bottom, right as fractions. */
  boxes: string
  /** float [1, anchors, classes], without background. */
  scores: string
  anchors: number
  classes: number
}

interface Settings {
  maxDetections: number
  classes: number
  iou: number
  score: number
  perClass: number
  regular: boolean
  /** Divisors of the encoded y, x, height and width. */
  scales: [number, number, number, number]
}

/**
 * TFLite_Detection_PostProcess: decodes boxes against anchors and suppresses overlaps.
 *
 * inputs   encodings [1, n, 4+] as y, x, height, width; class scores [1, n, classes, with background first when
 *          there is one more]; anchors [n, 4] as centre y, x, height, width
 * outputs  boxes [1, m, 4] top, left, bottom, right as fractions; classes [1, m] from 0; scores [1, m]; count
 *          [1]; rows past the count are 0
 * source   tensorflow/lite/kernels/detection_postprocess.cc (Apache-2.0)
 * cost     classes count from 0 without background here; taking them for COCO ids names every object wrongly
 */
export function detectionPostProcess(at: Operation): RawDetections {
  const settings = readSettings(readFlexMap(at.operator.customOptions ?? new Uint8Array(0)))
  const [, anchors, width] = at.shape(0)
  const [, , columns] = at.shape(1)
  if (
    anchors === undefined ||
    columns === undefined ||
    width === undefined ||
    width < 4 ||
    at.shape(0)[0] !== 1
  ) {
    throw corrupt('encodings [1, n, 4] and scores [1, n, classes]', 'other shapes')
  }
  const background = columns - settings.classes
  if (background !== 0 && background !== 1) {
    throw corrupt(`${settings.classes} classes of TFLite_Detection_PostProcess`, `${columns} scores`)
  }
  const boxes = decodeBoxes(at, settings)
  const scores = background === 0 ? at.real(1) : between(at, at.real(1), 2, 1, columns)
  const picked = settings.regular
    ? suppressByClass(at, boxes, scores, settings)
    : suppressBest(at, boxes, scores, settings)
  giveRows(at, boxes, picked, settings.maxDetections)
  return { boxes, scores, anchors, classes: settings.classes }
}

function readSettings(options: FlexValues): Settings {
  const number = (key: string, fallback?: number): number => {
    const value = options[key] ?? fallback
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      throw corrupt(`a number ${key} of TFLite_Detection_PostProcess`, String(value))
    }
    return value
  }
  const maxDetections = number('max_detections')
  const classes = number('num_classes')
  const categories = number('max_classes_per_detection', 1)
  if (categories !== 1) {
    throw unsupported(`TFLite_Detection_PostProcess with ${categories} classes a box`)
  }
  if (!(maxDetections >= 1 && maxDetections <= MAX_DETECTIONS) || !(classes >= 1)) {
    throw corrupt('detections and classes of TFLite_Detection_PostProcess', `${maxDetections} and ${classes}`)
  }
  return {
    maxDetections,
    classes,
    iou: number('nms_iou_threshold'),
    score: number('nms_score_threshold'),
    perClass: number('detections_per_class', 100),
    regular: options.use_regular_nms === true,
    scales: [number('y_scale'), number('x_scale'), number('h_scale'), number('w_scale')],
  }
}

function decodeBoxes(at: Operation, { scales }: Settings): string {
  const { graph } = at
  const encodings = between(at, at.real(0), 2, 0, 4)
  const anchors = at.real(2)
  const scaled = at.node('Div', [encodings, graph.float32(scales)])
  const place = between(at, scaled, 2, 0, 2)
  const size = between(at, scaled, 2, 2, 4)
  const anchorPlace = between(at, anchors, 1, 0, 2)
  const anchorSize = between(at, anchors, 1, 2, 4)
  const centre = at.node('Add', [at.node('Mul', [place, anchorSize]), anchorPlace])
  const half = at.node('Mul', [at.node('Mul', [at.node('Exp', [size]), graph.scalar(0.5)]), anchorSize])
  return at.node('Concat', [at.node('Sub', [centre, half]), at.node('Add', [centre, half])], { axis: 2 })
}

const between = (at: Operation, name: string, axis: number, begin: number, end: number): string =>
  at.node('Slice', [name, at.graph.int64([begin]), at.graph.int64([end]), at.graph.int64([axis])])

/** Rows that are kept, best first: place among the anchors, class and score, each of shape [k]. */
interface Picked {
  places: string
  classes: string
  scores: string
}

/** The quick form: each anchor stands for its best class, and classes suppress each other. */
function suppressBest(at: Operation, boxes: string, scores: string, settings: Settings): Picked {
  const best = at.node('ReduceMax', [scores], { axes: [2], keepdims: 0 })
  const byClass = at.node('Unsqueeze', [best, at.graph.int64([1])])
  const places = column(at, suppress(at, boxes, byClass, settings.maxDetections, settings), 2)
  const classes = at.node('ArgMax', [scores], { axis: 2, keepdims: 0 })
  const flat = at.graph.int64([-1])
  const pick = (values: string) =>
    at.node('Gather', [at.node('Reshape', [values, flat]), places], { axis: 0 })
  return { places, classes: pick(classes), scores: pick(best) }
}

/** The thorough form: each class by itself, then the best of all. */
function suppressByClass(at: Operation, boxes: string, scores: string, settings: Settings): Picked {
  const byClass = at.node('Transpose', [scores], { perm: [0, 2, 1] })
  const chosen = suppress(at, boxes, byClass, settings.perClass, settings)
  const values = at.node('GatherND', [byClass, chosen])
  const count = at.node('Min', [at.node('Shape', [values]), at.graph.int64([settings.maxDetections])])
  const [top, rows] = at.graph.nodeOutputs('TopK', [values, count], { axis: 0 }, 2)
  const kept = at.node('Gather', [chosen, rows!], { axis: 0 })
  return { places: column(at, kept, 2), classes: column(at, kept, 1), scores: top! }
}

/** int64 [k, 3]: picture, class and place of what is kept, best first within a class. */
const suppress = (
  at: Operation,
  boxes: string,
  byClass: string,
  most: number,
  { iou, score }: Settings,
): string =>
  at.node('NonMaxSuppression', [
    boxes,
    byClass,
    at.graph.int64([most]),
    at.graph.float32([iou]),
    at.graph.float32([score]),
  ])

const column = (at: Operation, rows: string, index: number): string =>
  at.node('Gather', [rows, at.graph.int64([index], [])], { axis: 1 })

/** Fills the outputs up to their fixed number of rows. */
function giveRows(at: Operation, boxes: string, picked: Picked, rows: number): void {
  const { graph } = at
  const count = at.node('Shape', [picked.places])
  const missing = at.node('Sub', [graph.int64([rows]), count])
  const filled = (values: string, dims: number[]): string => {
    const pads = at.node(
      'Concat',
      [graph.int64(dims.map(() => 0)), missing, graph.int64(dims.slice(1).map(() => 0))],
      {
        axis: 0,
      },
    )
    const padded = at.node('Pad', [values, pads])
    return at.node('Reshape', [padded, graph.int64([1, rows, ...dims.slice(1)])])
  }
  const flat = at.node('Squeeze', [boxes, graph.int64([0])])
  const chosen = at.node('Gather', [flat, picked.places], { axis: 0 })
  const asFloat = (name: string) => at.node('Cast', [name], { to: { type: 'float32' } })
  at.give(filled(chosen, [rows, 4]), [0, 1, 2], 0)
  at.give(filled(asFloat(picked.classes), [rows]), [0, 1], 1)
  at.give(filled(picked.scores, [rows]), [0, 1], 2)
  at.give(asFloat(count), [0], 3)
}
