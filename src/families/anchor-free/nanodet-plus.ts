import type { Candidates } from '../../boxes/detection.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { declaredAxes, describe, evidence, namesFit, perClass } from '../heads/describe.ts'
import { decodeGflLevel } from '../heads/gfl.ts'
import { strideOptions, wholeOption } from '../heads/options.ts'
import { describeInput, PREPROCESS } from '../heads/preprocess.ts'
import { gridCells, tailOf } from '../heads/shapes.ts'
import { lastAxes, mismatch, roleTensor, roleValues } from '../heads/values.ts'

const STRIDES = [8, 16, 32, 64]
/** reg_max 7 with both ends. */
const BINS = 8

/**
 * NanoDet-Plus: all levels in one output.
 *
 * predictions  float [1, cells, classes + 4 · 8], cells over strides 8, 16, 32, 64: class scores already 0–1,
 *              then left, top, right, bottom as distributions over 0–7 strides, from the corner of the cell
 * options      strides, bins
 * source       RangiLyu/nanodet 1.x `nanodet/model/head/nanodet_plus_head.py` get_single_level_center_priors
 * cost         the cell's middle, right for NanoDet before, shifts boxes by half a stride here
 */
export const nanodetPlus: Family = {
  name: 'nanodet-plus',
  title: 'NanoDet-Plus',
  recognise,
  decode,
}

function decode(outputs: RoleTensors, context: DecodeContext): Candidates {
  const [rows, columns] = lastAxes(roleTensor(outputs, 'predictions'), 2, 'predictions') as [number, number]
  const { classes } = context.contract.output
  const strides = strideOptions(context, STRIDES)
  const bins = wholeOption(context, 'bins', BINS)
  const { input } = context.letterbox
  if (rows !== gridCells(input, strides) || columns !== classes + 4 * bins) {
    throw mismatch(
      `${gridCells(input, strides)} rows of ${classes + 4 * bins} for an input of ${input.width}×${input.height}`,
      `${rows} of ${columns}`,
    )
  }
  const values = roleValues(outputs, 'predictions', context)
  const list = new CandidateList()
  let row = 0
  for (const stride of strides) {
    const level = {
      stride,
      scores: values,
      scoreStep: columns,
      classFrom: row * columns,
      distances: values,
      distanceStep: columns,
      boxFrom: row * columns + classes,
    }
    decodeGflLevel(level, { input, bins, centre: 0 }, context, list)
    row += gridCells(input, [stride])
  }
  return list.finish('input')
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS.bgrImageNetStretch)
  const output = signature.outputs[0]
  if (described === undefined || output === undefined || signature.outputs.length > 1) {
    return undefined
  }
  if (signature.inputs.length > 1) {
    return undefined
  }
  const [rows, columns] = declaredAxes(output, 2) ?? []
  if (columns === undefined || columns <= 4 * BINS) {
    return undefined
  }
  const classes = columns - 4 * BINS
  const tail = tailOf(signature, output.name)
  const layers = tail?.weightedChannels ?? []
  // The head has one layer a level for scores and distances together, and decodes its bins outside.
  const layerFits = layers.filter((width) => width === columns).length === STRIDES.length
  if (layers.length > 0 && (!layerFits || tail?.ops.includes('Softmax'))) {
    return undefined
  }
  const rowsFit = rows === gridCells(described.input.size, STRIDES)
  if (!rowsFit && !(rows === undefined && layerFits)) {
    return undefined
  }
  if (!namesFit(signature, classes)) {
    return undefined
  }
  return describe(
    {
      family: 'nanodet-plus',
      confidence: layerFits ? 0.95 : 0.8,
      input: described.input,
      roles: { predictions: output.name },
      boxCode: 'head',
      classes,
      options: { strides: STRIDES, bins: BINS },
      score: 0.35,
      suppression: perClass(0.6),
      evidence: [
        evidence(
          'output',
          `${classes} class scores and four distances of ${BINS} bins per cell of strides ${STRIDES.join(', ')}`,
          layerFits
            ? `the last layers have ${columns} channels`
            : `${rows} rows are the cells of four strides`,
          layerFits ? 0.95 : 0.8,
        ),
        evidence(
          'input',
          'BGR with ImageNet mean and deviation on 0–255, stretched',
          'NanoDet-Plus is trained so (keep_ratio: False)',
          0.85,
        ),
      ],
    },
    signature.outputs,
  )
}
