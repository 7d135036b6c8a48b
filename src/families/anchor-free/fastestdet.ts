import type { Candidates } from '../../boxes/detection.ts'
import type { ModelSignature, TensorInfo } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { declaredAxes, describe, evidence, namesFit, perClass } from '../heads/describe.ts'
import { describeInput, PREPROCESS } from '../heads/preprocess.ts'
import { fixed, gridCells, sameWidths, tailOf } from '../heads/shapes.ts'
import { mismatch, roleTensor, roleValues, sigmoid } from '../heads/values.ts'

const STRIDE = 16
/** Objectness and four box values before the classes. */
const FIXED_CHANNELS = 5
const OBJECTNESS_POWER = 0.6
const CLASS_POWER = 0.4

/**
 * FastestDet: one grid, one box a cell.
 *
 * predictions  float [1, 5 + classes, h, w] or the same values as rows [h · w, 5 + classes]: objectness, tx, ty,
 *              tw, th, classes; objectness and classes already 0–1. Centre = (cell + tanh t) / grid, size = σ(t),
 *              as fractions of the input. Score = objectness^0.6 · class^0.4.
 * options      channelsFirst
 * source       dog-qiuqiu/FastestDet `utils/tool.py` handle_preds
 * cost         objectness times class, as YOLO has it, pushes scores well below the thresholds given for it
 */
export const fastestdet: Family = {
  name: 'fastestdet',
  title: 'FastestDet',
  recognise,
  decode,
}

function decode(outputs: RoleTensors, context: DecodeContext): Candidates {
  const { classes, options } = context.contract.output
  const { input } = context.letterbox
  const across = Math.ceil(input.width / STRIDE)
  const cells = gridCells(input, [STRIDE])
  const channels = FIXED_CHANNELS + classes
  const values = roleValues(outputs, 'predictions', context)
  if (values.length !== cells * channels) {
    throw mismatch(
      `${cells} cells of ${channels} values`,
      `[${roleTensor(outputs, 'predictions').dims.join(', ')}]`,
    )
  }
  const step = options.channelsFirst === true ? cells : 1
  const next = options.channelsFirst === true ? 1 : channels
  // A class is at most 1, so objectness alone bounds the score.
  const leastObjectness = context.minScore ** (1 / OBJECTNESS_POWER)
  const down = cells / across
  const list = new CandidateList()
  for (let cell = 0; cell < cells; cell++) {
    const at = cell * next
    const objectness = values[at]!
    if (objectness < leastObjectness) {
      continue
    }
    let classId = 0
    for (let c = 1; c < classes; c++) {
      if (values[at + (FIXED_CHANNELS + c) * step]! > values[at + (FIXED_CHANNELS + classId) * step]!) {
        classId = c
      }
    }
    const likelihood = Math.max(0, values[at + (FIXED_CHANNELS + classId) * step]!)
    const score = Math.max(0, objectness) ** OBJECTNESS_POWER * likelihood ** CLASS_POWER
    if (score < context.minScore) {
      continue
    }
    const x = (((cell % across) + Math.tanh(values[at + step]!)) / across) * input.width
    const y = ((Math.floor(cell / across) + Math.tanh(values[at + 2 * step]!)) / down) * input.height
    const halfWidth = (sigmoid(values[at + 3 * step]!) * input.width) / 2
    const halfHeight = (sigmoid(values[at + 4 * step]!) * input.height) / 2
    list.add(x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight, score, classId, cell)
  }
  return list.finish('input')
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS.bgrUnitStretch)
  const output = signature.outputs[0]
  if (described === undefined || output === undefined || signature.outputs.length > 1) {
    return undefined
  }
  if (signature.inputs.length > 1) {
    return undefined
  }
  const { size } = described.input
  const head = mapHead(output, size) ?? rowHead(output, gridCells(size, [STRIDE]))
  if (head === undefined || head.channels <= FIXED_CHANNELS) {
    return undefined
  }
  const classes = head.channels - FIXED_CHANNELS
  if (!namesFit(signature, classes)) {
    return undefined
  }
  // Objectness, box and classes come from a layer each; a map of one layer is a segmentation or another head.
  const layers = tailOf(signature, output.name)?.weightedChannels ?? []
  const hasThreeLayers = sameWidths(layers, [1, 4, classes])
  if (layers.length > 0 && !hasThreeLayers) {
    return undefined
  }
  const confidence = hasThreeLayers ? 0.92 : 0.6
  return describe(
    {
      family: 'fastestdet',
      confidence,
      input: described.input,
      roles: { predictions: output.name },
      boxCode: 'head',
      classes,
      options: { channelsFirst: head.channelsFirst },
      score: 0.5,
      suppression: perClass(0.45),
      evidence: [
        evidence(
          'output',
          `objectness, box and ${classes} class scores per cell of stride ${STRIDE}`,
          `one output with the cells of stride ${STRIDE} alone${head.channelsFirst ? ', channels first' : ', a row each'}${hasThreeLayers ? `, from layers of 1, 4 and ${classes} channels` : ''}`,
          confidence,
        ),
        evidence('input', 'BGR scaled to 0–1, stretched', 'FastestDet is trained so', 0.85),
      ],
    },
    signature.outputs,
  )
}

interface Head {
  channels: number
  channelsFirst: boolean
}

function mapHead(output: TensorInfo, size: { width: number; height: number }): Head | undefined {
  const [, channels, down, across] = (output.shape ?? []).map(fixed)
  if (output.shape?.length !== 4 || channels === undefined) {
    return undefined
  }
  const fits = down === Math.ceil(size.height / STRIDE) && across === Math.ceil(size.width / STRIDE)
  return fits ? { channels, channelsFirst: true } : undefined
}

function rowHead(output: TensorInfo, cells: number): Head | undefined {
  const [rows, channels] = declaredAxes(output, 2) ?? []
  return rows === cells && channels !== undefined ? { channels, channelsFirst: false } : undefined
}
