import type { ModelSignature } from '../../model/signature.ts'
import type { Family, Recognition } from '../family.ts'
import { declaredAxes, describe, evidence, noSuppression, outputNamed } from '../heads/describe.ts'
import { describeInput, PREPROCESS, type Preprocess } from '../heads/preprocess.ts'
import { decodeQueries } from './detr.ts'

const INPUT: Preprocess = { ...PREPROCESS.rgbImageNetStretch, size: { width: 560, height: 560 } }

/**
 * RF-DETR as its own package exports it.
 *
 * boxes   output `dets`, float [1, 300, 4]: centre x, centre y, width, height as fractions of the model input
 * logits  output `labels`, float [1, 300, classes]: logits for σ; 91 with COCO's own ids in the published
 *         weights, contiguous with an unused last one after fine-tuning
 * source  roboflow/rf-detr `rfdetr/export/main.py`, `rfdetr/models/lwdetr.py` PostProcess
 * cost    MMDeploy names its outputs the same: integer labels and boxes of five columns there
 */
export const rfDetr: Family = {
  name: 'rf-detr',
  title: 'RF-DETR',
  recognise,
  decode: decodeQueries,
  spareColumn: () => 'last',
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, INPUT)
  const boxes = outputNamed(signature, /^dets$/)
  const logits = outputNamed(signature, /^labels$/)
  if (described === undefined || boxes === undefined || logits === undefined) {
    return undefined
  }
  if (signature.inputs.length > 1 || !/^(b?float)/.test(logits.type)) {
    return undefined
  }
  const classes = declaredAxes(logits, 2)?.[1]
  if (classes === undefined || (declaredAxes(boxes, 2)?.[1] ?? 4) !== 4) {
    return undefined
  }
  return describe(
    {
      family: 'rf-detr',
      confidence: 0.97,
      input: described.input,
      roles: { boxes: boxes.name, logits: logits.name },
      boxCode: 'cxcywh',
      boxUnits: 'ratio',
      scoreActivation: 'sigmoid',
      classes,
      score: 0.5,
      suppression: noSuppression(),
      evidence: [
        evidence(
          'output',
          `boxes and ${classes} logits for each query`,
          'the outputs are named dets and labels, and labels hold floats',
          0.96,
        ),
        evidence(
          'suppression',
          'none: each query is one object',
          'the family is trained without suppression',
          0.97,
        ),
        evidence('input', 'RGB with ImageNet mean and deviation, stretched', 'RF-DETR is trained so', 0.9),
      ],
    },
    signature.outputs,
  )
}
