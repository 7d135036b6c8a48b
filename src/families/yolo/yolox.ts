import type { Size } from '../../boxes/box.ts'
import type { Candidates } from '../../boxes/detection.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { declaredAxes, describe, evidence, namesFit, perClass } from '../heads/describe.ts'
import { decodeObjectness, FIXED_COLUMNS } from '../heads/objectness.ts'
import { strideOptions } from '../heads/options.ts'
import { describeInput, type Preprocess, PREPROCESS as SHARED } from '../heads/preprocess.ts'
import { takeClasses } from '../heads/rows.ts'
import { gridCells, tailOf } from '../heads/shapes.ts'
import { floats } from '../heads/tensor.ts'
import { lastAxes, mismatch, roleTensor, roleValues } from '../heads/values.ts'

const STRIDES = [8, 16, 32]
const STRIDES_P6 = [8, 16, 32, 64]

/** As many as the published weights have; others were trained by their owners, in whatever fork. */
const COCO_CLASSES = 80

/** Raw widths are logarithms of cells: e¹² cells are wider than any picture. */
const LARGEST_LOG = 12

/**
 * source  YOLOX `data/data_augment.py` preproc (weights since 0.1.1; older ones want RGB with ImageNet statistics)
 * cost    RGB by mistake: 0.92 to 0.87 for one bus, and a class that is not there
 */
const PREPROCESS: Preprocess = SHARED.bgrBytesTopLeft

/**
 * YOLOX, raw as exported by default or decoded with `--decode_in_inference`.
 *
 * predictions  float [1, cells, 5 + classes], rows over strides 8, 16, 32 in row-major order: xy in cells from
 *              the cell's corner, wh as logarithms of cells (raw) or centre and size in model-input pixels
 *              (decoded); objectness and classes already 0–1. Score = objectness × class.
 * options      decoded: whether the graph has turned cells into pixels; strides
 * source       YOLOX `utils/demo_utils.py` demo_postprocess
 * cost         decoding twice puts every box off the picture; not at all puts all of them in its corner
 */
export const yolox: Family = {
  name: 'yolox',
  title: 'YOLOX',
  recognise,
  decode(outputs, context) {
    return context.contract.output.options.decoded === true
      ? decodeObjectness(outputs, context)
      : decodeRaw(outputs, context)
  },
  settle,
}

function decodeRaw(outputs: RoleTensors, context: DecodeContext): Candidates {
  const [rows, columns] = lastAxes(roleTensor(outputs, 'predictions'), 2, 'predictions') as [number, number]
  const { classes } = context.contract.output
  const strides = strideOptions(context, STRIDES)
  const { input } = context.letterbox
  if (rows !== gridCells(input, strides) || columns < FIXED_COLUMNS + classes) {
    throw mismatch(
      `${gridCells(input, strides)} rows of ${FIXED_COLUMNS + classes} for an input of ${input.width}×${input.height}`,
      `${rows} of ${columns}`,
    )
  }
  const values = roleValues(outputs, 'predictions', context)
  const list = new CandidateList()
  let row = 0
  for (const stride of strides) {
    const across = Math.ceil(input.width / stride)
    const down = Math.ceil(input.height / stride)
    for (let cell = 0; cell < across * down; cell++, row++) {
      const at = row * columns
      const objectness = values[at + 4]!
      if (objectness < context.minScore) {
        continue
      }
      const x = (values[at]! + (cell % across)) * stride
      const y = (values[at + 1]! + Math.floor(cell / across)) * stride
      const halfWidth = (Math.exp(values[at + 2]!) * stride) / 2
      const halfHeight = (Math.exp(values[at + 3]!) * stride) / 2
      const head = row
      takeClasses(values, at + FIXED_COLUMNS, objectness, context, (classId, score) =>
        list.add(x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight, score, classId, head),
      )
    }
  }
  return list.finish('input')
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS)
  const output = signature.outputs[0]
  if (described === undefined || output === undefined || signature.outputs.length > 1) {
    return undefined
  }
  if (signature.inputs.length > 1) {
    return undefined
  }
  const [rows, columns] = declaredAxes(output, 2) ?? []
  if (columns === undefined || columns <= FIXED_COLUMNS) {
    return undefined
  }
  const classes = columns - FIXED_COLUMNS
  if (!namesFit(signature, classes)) {
    return undefined
  }
  const tail = tailOf(signature, output.name)
  // Separate last layers for class, box and objectness: YOLOX has all three, YOLOv6 has no objectness layer.
  const layers = tail?.weightedChannels ?? []
  const hasThreeLayers = layers.includes(1) && layers.includes(4) && layers.includes(classes)
  const { size } = described.input
  const strides = [STRIDES, STRIDES_P6].find((some) => gridCells(size, some) === rows)
  if (strides === undefined && !(rows === undefined && hasThreeLayers)) {
    return undefined
  }
  const isKnown = tail !== undefined && (hasThreeLayers || tail.ops.length > 0)
  const decoded = tail !== undefined && (tail.ops.includes('Exp') || tail.hasLargeConstant)
  return describe(
    {
      family: 'yolox',
      confidence: hasThreeLayers ? 0.95 : 0.7,
      input: described.input,
      roles: { predictions: output.name },
      boxCode: decoded ? 'cxcywh' : 'head',
      classes,
      options: { decoded, strides: strides ?? STRIDES },
      score: 0.25,
      suppression: perClass(0.45),
      unsettled: isKnown ? [] : ['output.options.decoded'],
      evidence: [
        evidence(
          'output',
          `objectness and ${classes} class scores per grid cell`,
          hasThreeLayers
            ? `the last layers have 4, 1 and ${classes} channels`
            : `${rows ?? 'as many'} rows as cells and five columns more than classes; YOLOv6 looks the same`,
          hasThreeLayers ? 0.95 : 0.7,
        ),
        decodedEvidence(
          decoded,
          decoded
            ? 'the graph has an exponential or a grid after the last layers'
            : 'neither an exponential nor a grid follows the last layers',
          isKnown ? 0.92 : 0.5,
        ),
        evidence(
          'input',
          'BGR 0–255, letterbox at the top left padded with 114',
          classes === COCO_CLASSES
            ? 'YOLOX is trained so since 0.1.1; weights before that want RGB with ImageNet statistics'
            : 'YOLOX is trained so since 0.1.1, but forks of it feed RGB or 0–1: a guess that the doctor tests',
          classes === COCO_CLASSES ? 0.8 : 0.45,
        ),
      ],
    },
    signature.outputs,
  )
}

const decodedEvidence = (decoded: boolean, reason: string, confidence: number) =>
  evidence(
    'output.options.decoded',
    decoded ? 'boxes are pixels of the input' : 'boxes are offsets in grid cells',
    reason,
    confidence,
  )

/** By the largest width or height of any row: pixels of the strongest or weakest guess exceed any logarithm. */
function settle(outputs: RoleTensors, recognition: Recognition, input: Size): Recognition {
  const tensor = roleTensor(outputs, 'predictions')
  const [rows, columns] = lastAxes(tensor, 2, 'predictions') as [number, number]
  const values = floats(tensor)
  let largest = 0
  for (let at = 0; at < rows * columns; at += columns) {
    largest = Math.max(largest, values[at + 2]!, values[at + 3]!)
  }
  const decoded = largest > LARGEST_LOG
  const { contract } = recognition
  return {
    ...recognition,
    unsettled: [],
    contract: {
      ...contract,
      output: {
        ...contract.output,
        boxCode: decoded ? 'cxcywh' : 'head',
        options: { ...contract.output.options, decoded },
      },
    },
    evidence: [
      ...recognition.evidence.filter(({ about }) => about !== 'output.options.decoded'),
      decodedEvidence(
        decoded,
        `in a probe run of ${input.width}×${input.height} the largest width or height was ${largest.toPrecision(3)}`,
        0.95,
      ),
    ],
  }
}
