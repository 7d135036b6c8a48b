import type { Candidates } from '../../boxes/detection.ts'
import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { describe, evidence, perClass } from '../heads/describe.ts'
import { declaredMap, mapValues } from '../heads/maps.ts'
import { FIXED_COLUMNS } from '../heads/objectness.ts'
import { levelOptions, strideOptions } from '../heads/options.ts'
import { describeInput, type Preprocess, stretch } from '../heads/preprocess.ts'
import { sameWidths, tailOf } from '../heads/shapes.ts'
import { logit, sigmoid } from '../heads/values.ts'

const ANCHORS_PER_CELL = 5
const FINE = 16
const STRIDES = [32, FINE]
const PLAIN_OPS = new Set([
  'Transpose',
  'Reshape',
  'Identity',
  'Cast',
  'Add',
  'QuantizeLinear',
  'DequantizeLinear',
])

/** Widths and heights in cells. */
const ANCHORS = {
  /** darknet `cfg/yolov2-tiny-voc.cfg`, also of the ONNX zoo. */
  voc: [1.08, 1.19, 3.42, 4.41, 6.63, 11.38, 9.42, 5.11, 16.62, 10.52],
  /** darknet `cfg/yolov2-tiny.cfg`. */
  coco: [0.57273, 0.677385, 1.87446, 2.06253, 3.33843, 5.47434, 7.88282, 3.52778, 9.77052, 9.16828],
  /** People, `st_yolo_lc_v1` of ST's model zoo, the one with a finer grid. */
  lc: [0.076023, 0.258508, 0.163031, 0.413531, 0.234769, 0.702585, 0.427054, 0.715892, 0.748154, 0.857092],
  /** People, `tiny_yolo_v2` of ST's model zoo. */
  person: [0.9883, 3.3606, 2.1194, 5.3759, 3.052, 9.1336, 5.5517, 9.3066, 9.726, 11.1422],
} as const

const SETS: Record<keyof typeof ANCHORS, string> = {
  voc: 'tiny YOLOv2 for Pascal VOC',
  coco: 'tiny YOLOv2 for COCO',
  lc: 'ST YOLO LC for people',
  person: 'tiny YOLOv2 of ST for people',
}

const PREPROCESS: Preprocess = {
  colour: 'RGB',
  mean: [0, 0, 0],
  std: [255, 255, 255],
  geometry: stretch(),
  size: { width: 416, height: 416 },
  stride: 32,
}

/**
 * YOLOv2 and its small descendants: one grid with five anchors a cell, as the last layer leaves it.
 *
 * grid     float [1, h, w, 5 · (5 + classes)] or channels first: for each anchor x, y, width, height, objectness and
 *          class logits; xy = σ + cell, wh = exp · anchor, both in cells; score = σ(objectness) · softmax(class)
 * options  anchors: five widths and heights in cells; strides: one; channelsLast
 * source   pjreddie/darknet `src/region_layer.c`; openmv/openmv `ml/postprocessing/darknet.py`
 * cost     anchors are not in the file: those of another model leave scores as they are and change all sizes
 */
export const yolov2: Family = {
  name: 'yolov2',
  title: 'YOLOv2 grids (tiny YOLOv2, ST YOLO LC)',
  recognise,
  decode,
}

function decode(outputs: RoleTensors, context: DecodeContext): Candidates {
  const { classes } = context.contract.output
  const [stride] = strideOptions(context, [STRIDES[0]!]) as [number]
  const [anchors] = levelOptions(context, 'anchors', 1, 2 * ANCHORS_PER_CELL, [ANCHORS.voc]) as [number[]]
  const columns = FIXED_COLUMNS + classes
  const grid = mapValues(outputs, context, 'grid', ANCHORS_PER_CELL * columns, stride)
  const least = logit(context.minScore)
  const list = new CandidateList()
  for (let cell = 0; cell < grid.across * grid.down; cell++) {
    for (let anchor = 0; anchor < ANCHORS_PER_CELL; anchor++) {
      const read = (column: number) =>
        grid.values[cell * grid.next + (anchor * columns + column) * grid.step]!
      // Objectness alone bounds the score, as a class is at most 1.
      if (!(read(4) >= least)) {
        continue
      }
      const { classId, share } = bestOf(classes, (id) => read(FIXED_COLUMNS + id))
      const score = sigmoid(read(4)) * share
      if (!(score >= context.minScore)) {
        continue
      }
      const x = (sigmoid(read(0)) + (cell % grid.across)) * stride
      const y = (sigmoid(read(1)) + Math.floor(cell / grid.across)) * stride
      const halfWidth = (Math.exp(read(2)) * anchors[2 * anchor]! * stride) / 2
      const halfHeight = (Math.exp(read(3)) * anchors[2 * anchor + 1]! * stride) / 2
      const row = cell * ANCHORS_PER_CELL + anchor
      list.add(x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight, score, classId, row)
    }
  }
  return list.finish('input')
}

/** The largest of some logits and its softmax. */
function bestOf(count: number, value: (id: number) => number): { classId: number; share: number } {
  let classId = 0
  for (let id = 1; id < count; id++) {
    if (value(id) > value(classId)) {
      classId = id
    }
  }
  let sum = 0
  for (let id = 0; id < count; id++) {
    sum += Math.exp(value(id) - value(classId))
  }
  return { classId, share: count === 0 ? 1 : 1 / sum }
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS)
  const [output] = signature.outputs
  if (described === undefined || output === undefined || signature.outputs.length > 1) {
    return undefined
  }
  const { size } = described.input
  const stride = STRIDES.find((some) => declaredMap(output, size, some) !== undefined)
  const map = stride === undefined ? undefined : declaredMap(output, size, stride)
  if (map === undefined || signature.inputs.length > 1 || map.channels % ANCHORS_PER_CELL !== 0) {
    return undefined
  }
  const classes = map.channels / ANCHORS_PER_CELL - FIXED_COLUMNS
  const tail = tailOf(signature, output.name)
  const isPlain =
    tail?.ops.every((op) => PLAIN_OPS.has(op)) && sameWidths(tail.weightedChannels, [map.channels])
  const names = metadataLabels(signature.metadata)
  if (classes < 1 || !isPlain || (names !== undefined && names.length !== classes)) {
    return undefined
  }
  const set = stride === FINE ? 'lc' : classes === 80 ? 'coco' : classes === 20 ? 'voc' : 'person'
  return describe(
    {
      family: 'yolov2',
      confidence: 0.8,
      input: described.input,
      roles: { grid: output.name },
      boxCode: 'head',
      scoreActivation: 'softmax',
      classes,
      options: { anchors: [[...ANCHORS[set]]], strides: [stride], channelsLast: map.channelsLast },
      score: 0.5,
      suppression: perClass(0.4),
      evidence: [
        evidence(
          'output',
          `a grid of stride ${stride} with five anchors and ${classes} classes`,
          `the last layer has five times ${map.channels / ANCHORS_PER_CELL} channels and nothing behind it`,
          0.8,
        ),
        evidence(
          'output.options.anchors',
          `those of ${SETS[set]}`,
          'anchors are not in the file; a model with anchors of its own needs output.options.anchors',
          classes > 1 && (set === 'person' || set === 'lc') ? 0.3 : 0.5,
        ),
        evidence('input', 'RGB scaled to 0–1, stretched', 'most exports of this head are fed so', 0.6),
      ],
    },
    signature.outputs,
  )
}
