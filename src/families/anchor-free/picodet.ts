import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { Family, Recognition } from '../family.ts'
import { describe, evidence, perClass } from '../heads/describe.ts'
import { decodeGflPairs, gflPairs } from '../heads/gfl.ts'
import { describeInput, PREPROCESS } from '../heads/preprocess.ts'

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
  recognise,
  decode: (outputs, context) => decodeGflPairs(outputs, context, 0.5),
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS.rgbImageNetStretch)
  if (described === undefined || signature.inputs.length > 1) {
    return undefined
  }
  const pairs = gflPairs(signature, described.input.size)
  if (pairs === undefined || pairs.strides.length !== 4) {
    return undefined
  }
  const names = metadataLabels(signature.metadata)
  if (names !== undefined && names.length !== pairs.classes) {
    return undefined
  }
  const isPaddle =
    /paddle/i.test(signature.producer.name) ||
    signature.outputs.some(({ name }) => /save_infer_model|tmp_\d/.test(name))
  return describe(
    {
      family: 'picodet',
      confidence: isPaddle ? 0.97 : 0.85,
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
          `${signature.outputs.length} outputs pair up by their number of rows, on four levels${isPaddle ? ', written by Paddle' : ''}`,
          isPaddle ? 0.97 : 0.85,
        ),
        evidence(
          'input',
          'RGB with ImageNet mean and deviation, stretched',
          'the training reader of PicoDet says so; its ONNX demo feeds BGR, which the model takes nearly as well',
          0.7,
        ),
      ],
    },
    signature.outputs,
  )
}
