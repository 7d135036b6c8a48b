import type { Family } from '../family.ts'
import { evidence } from '../heads/describe.ts'
import { decodeGflPairs, type GflFamily, recogniseGfl } from '../heads/gfl.ts'
import { PREPROCESS } from '../heads/preprocess.ts'

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
  recognise: (signature) => recogniseGfl(signature, FORM),
  decode: (outputs, context) => decodeGflPairs(outputs, context, 0.5),
}

const FORM: GflFamily = {
  family: 'nanodet',
  preprocess: PREPROCESS.bgrImageNetStretch,
  judge(levels, { outputs }) {
    const isNamed = outputs.some(({ name }) => /cls_pred|dis_pred/.test(name))
    const threeLevels = levels === 3
    return {
      confidence: isNamed ? 0.97 : threeLevels ? 0.93 : 0.6,
      heads: isNamed ? ' and are named as NanoDet names them' : '',
      headsConfidence: isNamed ? 0.98 : 0.93,
      input: evidence(
        'input',
        'BGR with ImageNet mean and deviation on 0–255, stretched',
        `NanoDet is trained so${threeLevels ? ' and has three levels; PicoDet, of the same shape, has four' : ''}`,
        threeLevels ? 0.85 : 0.5,
      ),
    }
  },
}
