import type { Size } from '../../boxes/box.ts'
import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature, TensorInfo } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { describe, evidence, perClass } from '../heads/describe.ts'
import { FIXED_COLUMNS } from '../heads/objectness.ts'
import { levelOptions, strideOptions } from '../heads/options.ts'
import { argmax } from '../heads/rows.ts'
import { fixed, sameWidths, tailOf } from '../heads/shapes.ts'
import { ultralyticsInput } from '../heads/ultralytics.ts'
import { logit, mismatch, roleTensor, roleValues, sigmoid } from '../heads/values.ts'

/** Widths and heights in model-input pixels, three pairs for each level from fine to coarse. */
export const ANCHORS: Record<string, readonly (readonly number[])[]> = {
  /** yolov5 `models/yolov5*.yaml`, also YOLOv7-tiny and YOLOv3 of Ultralytics. */
  yolov5: [
    [10, 13, 16, 30, 33, 23],
    [30, 61, 62, 45, 59, 119],
    [116, 90, 156, 198, 373, 326],
  ],
  /** yolov7 `cfg/deploy/yolov7.yaml`, also YOLOv4. */
  yolov7: [
    [12, 16, 19, 36, 40, 28],
    [36, 75, 76, 55, 72, 146],
    [142, 110, 192, 243, 459, 401],
  ],
  /** yolov5 `models/hub/yolov5*6.yaml`, four levels. */
  yolov5p6: [
    [19, 27, 44, 40, 38, 94],
    [96, 68, 86, 152, 180, 137],
    [140, 301, 303, 264, 238, 542],
    [436, 615, 739, 380, 925, 792],
  ],
}
const STRIDES = [8, 16, 32, 64]
const ANCHORS_PER_CELL = 3
/** YOLOv7 has 37 million parameters and more, YOLOv7-tiny 6: only the larger ones use their own anchors. */
const LARGE_MODEL = 20_000_000

/**
 * YOLOv5 and YOLOv7 heads as the last layers leave them: logits against anchors, one output a level.
 *
 * head0…headN  float [1, 3, h, w, 5 + classes] or [1, 3 · (5 + classes), h, w], fine level first;
 *              xy = (2σ − 0.5 + cell) · stride, wh = (2σ)² · anchor, objectness and classes as logits
 * options      anchors: for each level three widths and heights in input pixels; strides
 * source       ultralytics/yolov5 `models/yolo.py` Detect._make_grid; WongKinYiu/yolov7 `models/yolo.py`
 * cost         anchors of another model leave scores as they are and make every box too large or too small
 */
export const yolov5Raw: Family = {
  name: 'yolov5-raw',
  title: 'YOLOv5, YOLOv7 (raw heads)',
  recognise,
  decode(outputs, context) {
    const list = new CandidateList()
    const levels = Object.keys(context.contract.output.roles).length
    for (let level = 0; level < levels; level++) {
      decodeLevel(outputs, context, level, list)
    }
    return list.finish('input')
  },
}

function decodeLevel(outputs: RoleTensors, context: DecodeContext, level: number, list: CandidateList): void {
  const role = `head${level}`
  const { classes } = context.contract.output
  const anchors = levelOptions(context, 'anchors', level + 1, 2 * ANCHORS_PER_CELL)[level]!
  const stride = strideOptions(context)[level] ?? Number.NaN
  const dims = roleTensor(outputs, role).dims
  const columns = FIXED_COLUMNS + classes
  const isSplit = dims.length === 5
  const [down, across] = (isSplit ? dims.slice(2, 4) : dims.slice(2)) as [number, number]
  const cells = down * across
  const values = roleValues(outputs, role, context)
  if (values.length !== ANCHORS_PER_CELL * cells * columns) {
    throw mismatch(`${ANCHORS_PER_CELL} × ${cells} × ${columns} values for "${role}"`, `${values.length}`)
  }
  // Distance from one column to the next, and from one cell to the next.
  const step = isSplit ? 1 : cells
  const next = isSplit ? columns : 1
  const least = logit(context.minScore)
  const scores = new Float32Array(classes)
  for (let anchor = 0; anchor < ANCHORS_PER_CELL; anchor++) {
    for (let cell = 0; cell < cells; cell++) {
      const at = anchor * cells * columns + cell * next
      // Objectness alone bounds the score, as a class is at most 1.
      if (values[at + 4 * step]! < least) {
        continue
      }
      for (let c = 0; c < classes; c++) {
        scores[c] = values[at + (FIXED_COLUMNS + c) * step]!
      }
      const classId = argmax(scores, 0, classes)
      const score = sigmoid(values[at + 4 * step]!) * sigmoid(scores[classId]!)
      if (score < context.minScore) {
        continue
      }
      const x = (2 * sigmoid(values[at]!) - 0.5 + (cell % across)) * stride
      const y = (2 * sigmoid(values[at + step]!) - 0.5 + Math.floor(cell / across)) * stride
      const halfWidth = ((2 * sigmoid(values[at + 2 * step]!)) ** 2 * anchors[2 * anchor]!) / 2
      const halfHeight = ((2 * sigmoid(values[at + 3 * step]!)) ** 2 * anchors[2 * anchor + 1]!) / 2
      list.add(x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight, score, classId, cell)
    }
  }
}

interface Level {
  output: TensorInfo
  stride: number
  columns: number
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const common = ultralyticsInput(signature)
  if (common === undefined || signature.inputs.length > 1) {
    return undefined
  }
  const levels = signature.outputs.map((output) => levelOf(output, common.input.size))
  if (levels.length < 3 || levels.length > 4 || levels.some((level) => level === undefined)) {
    return undefined
  }
  const sorted = (levels as Level[]).sort((a, b) => a.stride - b.stride)
  const columns = sorted[0]!.columns
  if (sorted.some((level, i) => level.stride !== STRIDES[i] || level.columns !== columns)) {
    return undefined
  }
  const classes = columns - FIXED_COLUMNS
  const names = metadataLabels(signature.metadata)
  if (classes < 1 || (names !== undefined && names.length !== classes)) {
    return undefined
  }
  if (!sorted.every((level) => mayBeAnchored(signature, level, names !== undefined))) {
    return undefined
  }
  const set = anchorSet(signature, sorted.length)
  return describe(
    {
      family: 'yolov5-raw',
      confidence: 0.9,
      input: common.input,
      roles: Object.fromEntries(sorted.map(({ output }, i) => [`head${i}`, output.name])),
      boxCode: 'head',
      scoreActivation: 'sigmoid',
      classes,
      options: { anchors: ANCHORS[set], strides: sorted.map(({ stride }) => stride) },
      score: 0.25,
      suppression: perClass(0.45),
      evidence: [
        ...common.evidence,
        evidence(
          'output',
          `raw heads of strides ${sorted.map(({ stride }) => stride).join(', ')} with three anchors and ${classes} classes`,
          'each output has the cells of one stride and three times five channels more than classes',
          0.92,
        ),
        evidence(
          'output.options.anchors',
          `the anchors of ${set}`,
          'anchors are not in the file; these fit its size and metadata. A model with anchors of its own needs output.options.anchors',
          names === undefined ? 0.4 : 0.6,
        ),
      ],
    },
    signature.outputs,
  )
}

/** Most channels of a map of YOLOv8, 64 for the box and as many as classes, that anchors may share by chance. */
const DISTRIBUTION_CHANNELS = 64

/**
 * A level of anchors comes from one layer of all its channels. Maps of a YOLOv8-style head, cut off behind its last
 * layers, may have as many channels, but join two layers.
 *
 * cost  a box distribution read as objectness: hundreds of sure objects in any picture
 */
function mayBeAnchored(signature: ModelSignature, { output, columns }: Level, named: boolean): boolean {
  const tail = tailOf(signature, output.name)
  const layers = tail?.weightedChannels ?? []
  // Offsets are of either sign: maps behind a rectifier are features, as a backbone gives them.
  if (/^(Leaky|P|Thresholded)?Relu$|^Clip$/.test(tail?.ops[0] ?? '')) {
    return false
  }
  if (layers.length > 0) {
    return sameWidths(layers, [ANCHORS_PER_CELL * columns])
  }
  return named || output.shape?.length === 5 || ANCHORS_PER_CELL * columns <= DISTRIBUTION_CHANNELS
}

function anchorSet(signature: ModelSignature, levels: number): string {
  if (levels === 4) {
    return 'yolov5p6'
  }
  // The YOLOv5 exporter writes names and stride; YOLOv7's writes nothing.
  return signature.metadata.names === undefined && signature.parameters > LARGE_MODEL ? 'yolov7' : 'yolov5'
}

function levelOf(output: TensorInfo, input: Size): Level | undefined {
  const shape = (output.shape ?? []).map(fixed)
  const isSplit = shape.length === 5 && shape[1] === ANCHORS_PER_CELL
  const channels = isSplit ? shape[4] : shape[1]
  const [down, across] = isSplit ? shape.slice(2, 4) : shape.slice(2)
  if (shape.length !== (isSplit ? 5 : 4) || down === undefined || across === undefined) {
    return undefined
  }
  if (channels === undefined || (!isSplit && channels % ANCHORS_PER_CELL !== 0)) {
    return undefined
  }
  const columns = isSplit ? channels : channels / ANCHORS_PER_CELL
  const stride = input.width / across
  if (input.height / down !== stride || columns <= FIXED_COLUMNS) {
    return undefined
  }
  return { output, stride, columns }
}
