import type { Family } from '../family.ts'
import { evidence } from '../heads/describe.ts'
import { decodeGflPairs, type GflFamily, recogniseGfl } from '../heads/gfl.ts'
import { PREPROCESS } from '../heads/preprocess.ts'

/**
 * PicoDet without its post-processing: one class map and one distance map for each of the strides 8, 16, 32, 64.
 *
 * scores0…3     float [1, cells, classes], already 0–1
 * distances0…3  float [1, cells, 4 · 8]: left, top, right, bottom as distributions over 0–7 strides, from the
 *               middle of the cell
 * options       strides, bins
 * source        PaddlePaddle/PaddleDetection `ppdet/modeling/heads/pico_head.py`,
 *               `configs/picodet/_base_/picodet_320_reader.yml` (RGB, stretched)
 * cost          the reader resizes with cubic, its ONNX demo with bilinear on BGR; on the COCO pictures of the
 *               test corpus bilinear RGB is best, by a third of a point of AP over cubic
 */
export const picodet: Family = {
  name: 'picodet',
  title: 'PicoDet (raw heads)',
  recognise: (signature) => recogniseGfl(signature, FORM),
  decode: (outputs, context) => decodeGflPairs(outputs, context, 0.5),
}

const FORM: GflFamily = {
  family: 'picodet',
  preprocess: PREPROCESS.rgbImageNetStretch,
  judge(levels, { outputs, producer }) {
    if (levels !== 4) {
      return undefined
    }
    const isPaddle =
      /paddle/i.test(producer.name) || outputs.some(({ name }) => /save_infer_model|tmp_\d/.test(name))
    return {
      confidence: isPaddle ? 0.97 : 0.85,
      heads: `, on four levels${isPaddle ? ', written by Paddle' : ''}`,
      headsConfidence: isPaddle ? 0.97 : 0.85,
      input: evidence(
        'input',
        'RGB with ImageNet mean and deviation, stretched',
        'the training reader of PicoDet says so; its ONNX demo feeds BGR, which the model takes nearly as well',
        0.7,
      ),
    }
  },
}
