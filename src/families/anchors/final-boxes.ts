import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature, TensorInfo } from '../../model/signature.ts'
import type { Family, Recognition, RoleTensors } from '../family.ts'
import { describe, evidence, noSuppression } from '../heads/describe.ts'
import { type HeadKind, headKind, isYoloHead } from '../heads/head-kind.ts'
import { describeInput, PREPROCESS, type Preprocess } from '../heads/preprocess.ts'
import { fixed } from '../heads/shapes.ts'
import { floats } from '../heads/tensor.ts'
import { mismatch, roleTensor } from '../heads/values.ts'
import { settled } from '../settle.ts'
import { decodeCounted } from './batched-nms.ts'

/**
 * Final detections as three outputs of a network whose exporter is not known: a YOLO wrapped with suppression, or
 * an RT-DETR with its post-processing inside. torchvision and the ONNX zoo write the same three, so the last layers
 * have to show what the network is.
 *
 * boxes    float [n, 4] or [1, n, 4]; pixels or fractions of the input, corners or centre and size by a run
 * scores   float [n] or [1, n]
 * classes  [n] or [1, n], whole numbers from 0
 * source   torchvision `ops/boxes.py` nms, as wrappers of YOLO call it; ultralytics issues 1523 and 12293
 * cost     read as torchvision's, a YOLO is fed ImageNet statistics and loses a part of its objects in silence
 */
export const finalBoxes: Family = {
  name: 'final-boxes',
  title: 'YOLO and RT-DETR with suppression inside: boxes, scores and classes apart',
  recognise,
  decode: decodeCounted,
  settle,
}

interface Roles {
  boxes: TensorInfo
  scores: TensorInfo
  classes: TensorInfo
}

const INPUTS: Record<
  'yolo' | 'objectness' | 'queries',
  { preprocess: Preprocess; said: string; by: string }
> = {
  yolo: {
    preprocess: PREPROCESS.rgbUnitCentred,
    said: 'RGB scaled to 0–1, centred letterbox padded with 114',
    by: 'most of the YOLO line are trained so; RTMDet, which has four and class channels too, wants BGR with ImageNet statistics',
  },
  objectness: {
    preprocess: PREPROCESS.bgrBytesTopLeft,
    said: 'BGR 0–255, letterbox at the top left padded with 114',
    by: 'a layer of objectness beside those of boxes and classes is YOLOX, which is trained so; forks feed RGB or 0–1',
  },
  queries: {
    preprocess: PREPROCESS.rgbUnitStretch,
    said: 'RGB scaled to 0–1, stretched',
    by: 'RT-DETR, D-FINE and DEIM are trained so; RF-DETR wants ImageNet mean and deviation',
  },
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const roles = findRoles(signature.outputs)
  if (roles === undefined || signature.inputs.length > 1) {
    return undefined
  }
  const head = headKind(signature, roles.scores.name)
  const isYolo = isYoloHead(head)
  if (head !== undefined && !isYolo && head.kind !== 'queries') {
    return undefined
  }
  const { preprocess, said, by } =
    INPUTS[head?.kind === 'objectness' || head?.kind === 'queries' ? head.kind : 'yolo']
  const described = describeInput(signature, preprocess)
  if (described === undefined || (head === undefined && described.picture.layout === 'CHW')) {
    return undefined
  }
  return describe(
    {
      family: 'final-boxes',
      confidence: head === undefined ? 0.3 : isYolo ? 0.85 : 0.7,
      onlyByName: head === undefined,
      input: described.input,
      roles: { boxes: roles.boxes.name, scores: roles.scores.name, classes: roles.classes.name },
      boxCode: 'xyxy',
      classes: metadataLabels(signature.metadata)?.length ?? head?.classes ?? 0,
      score: 0.25,
      suppression: noSuppression(),
      unsettled: ['output.boxUnits', 'output.boxCode'],
      evidence: [
        evidence(
          'output',
          'boxes, scores and classes of final detections',
          'one output has four columns, one holds whole numbers and one a score for each row',
          0.9,
        ),
        evidence('suppression', 'none: the rows are final', becauseOf(head), head === undefined ? 0.3 : 0.85),
        evidence('input', said, by, head === undefined ? 0.3 : 0.65),
      ],
    },
    signature.outputs,
  )
}

const becauseOf = (head: HeadKind | undefined): string =>
  head === undefined
    ? 'so few outputs without cells are what is left after selection'
    : `the last layers are those of a network of the ${head.kind === 'queries' ? 'RT-DETR' : 'YOLO'} line, and what follows them selects`

const isWhole = ({ type, name }: TensorInfo): boolean =>
  /^u?int/.test(type) || /^(det_|pred_)?(labels?|class(es)?|class_ids?)(:0)?$/i.test(name)

/** Boxes, scores and classes of one picture, without an axis for it or with one of 1. */
function findRoles(outputs: readonly TensorInfo[]): Roles | undefined {
  if (outputs.length !== 3) {
    return undefined
  }
  const boxes = outputs.find(
    ({ shape }) => (shape?.length === 2 || shape?.length === 3) && (fixed(shape.at(-1)) ?? 4) === 4,
  )
  const rank = (boxes?.shape?.length ?? 0) - 1
  const classes = outputs.find((output) => output !== boxes && isWhole(output))
  const scores = outputs.find((output) => output !== boxes && output !== classes)
  const isAlike = [scores, classes].every((output) => output?.shape?.length === rank)
  return boxes && scores && classes && isAlike && !isWhole(scores) ? { boxes, scores, classes } : undefined
}

/** Fractions reach a little past 1 at the edge of the picture; of pixels hardly a row stays below this. */
const LARGEST_RATIO = 2
/** Share of rows that have to look like corners; centre and size do so only in the first few pixels. */
const CORNER_SHARE = 0.9
const ENOUGH_ROWS = 20

/** Pixels or fractions by the largest value, corners or centre and size by the order of the rows. */
function settle(outputs: RoleTensors, recognition: Recognition): Recognition {
  const boxes = floats(roleTensor(outputs, 'boxes'))
  const classes = floats(roleTensor(outputs, 'classes'))
  const rows = boxes.length / 4
  const fractional = classes.find((value) => !Number.isInteger(value))
  if (fractional !== undefined) {
    throw mismatch('whole numbers for classes', `${fractional.toPrecision(3)}`)
  }
  let within = 0
  let cornered = 0
  for (let at = 0; at < rows * 4; at += 4) {
    const [a, b, c, d] = boxes.subarray(at, at + 4) as unknown as [number, number, number, number]
    within += Math.max(Math.abs(a), Math.abs(b), Math.abs(c), Math.abs(d)) <= LARGEST_RATIO ? 1 : 0
    cornered += c >= a && d >= b ? 1 : 0
  }
  const isRatio = within > rows / 2
  const isCorners = cornered >= CORNER_SHARE * rows
  return settled(
    recognition,
    { boxUnits: isRatio ? 'ratio' : 'pixels', boxCode: isCorners ? 'xyxy' : 'cxcywh' },
    [
      evidence(
        'output.boxUnits',
        `${isCorners ? 'corners' : 'centre and size'} in ${isRatio ? 'fractions' : 'pixels'} of the input`,
        rows === 0
          ? 'most exports write them so; a probe run found nothing to tell by'
          : `in a probe run ${cornered} of ${rows} rows were ordered as corners, and ${within} had no value above ${LARGEST_RATIO}`,
        rows === 0 ? 0.6 : rows < ENOUGH_ROWS ? 0.8 : 0.92,
      ),
      evidence(
        'output.boxCode',
        isCorners ? 'corners' : 'centre and size',
        'the order of their values in a probe run',
        rows === 0 ? 0.6 : 0.9,
      ),
    ],
  )
}
