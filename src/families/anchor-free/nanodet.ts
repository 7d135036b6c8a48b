import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { Family, Recognition } from '../family.ts'
import { describe, evidence, perClass } from '../heads/describe.ts'
import { decodeGflPairs, gflPairs } from '../heads/gfl.ts'
import { describeInput, PREPROCESS } from '../heads/preprocess.ts'

/**
 * NanoDet before NanoDet-Plus: one class map and one distance map for each of the strides 8, 16, 32.
 *
 * scores0…2     float [1, cells, classes], already 0–1
 * distances0…2  float [1, cells, 4 · 8]: left, top, right, bottom as distributions over 0–7 strides, from the
 *               middle of the cell
 * options       strides, bins
 * source        RangiLyu/nanodet 0.x `nanodet/model/head/nanodet_head.py` get_single_level_center_point
 * cost          outputs named by numbers, in the order of a JavaScript object, pair the maps of the wrong
 *               strides: they are told apart by their rows here
 */
export const nanodet: Family = {
  name: 'nanodet',
  title: 'NanoDet',
  recognise,
  decode: (outputs, context) => decodeGflPairs(outputs, context, 0.5),
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS.bgrImageNetStretch)
  if (described === undefined || signature.inputs.length > 1) {
    return undefined
  }
  const pairs = gflPairs(signature, described.input.size)
  if (pairs === undefined) {
    return undefined
  }
  const names = metadataLabels(signature.metadata)
  if (names !== undefined && names.length !== pairs.classes) {
    return undefined
  }
  const isNamed = signature.outputs.some(({ name }) => /cls_pred|dis_pred/.test(name))
  const threeLevels = pairs.strides.length === 3
  return describe(
    {
      family: 'nanodet',
      confidence: isNamed ? 0.97 : threeLevels ? 0.93 : 0.6,
      input: described.input,
      roles: pairs.roles,
      boxCode: 'head',
      classes: pairs.classes,
      options: { strides: pairs.strides, bins: pairs.bins },
      score: 0.35,
      suppression: perClass(0.6),
      evidence: [
        evidence(
          'output',
          `${pairs.classes} class scores and four distances of ${pairs.bins} bins per cell of strides ${pairs.strides.join(', ')}`,
          `${signature.outputs.length} outputs pair up by their number of rows${isNamed ? ' and are named as NanoDet names them' : ''}`,
          isNamed ? 0.98 : 0.93,
        ),
        evidence(
          'input',
          'BGR with ImageNet mean and deviation on 0–255, stretched',
          `NanoDet is trained so${threeLevels ? ' and has three levels; PicoDet, of the same shape, has four' : ''}`,
          threeLevels ? 0.85 : 0.5,
        ),
      ],
    },
    signature.outputs,
  )
}
