import type { Candidates } from '../../boxes/detection.ts'
import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { describe, evidence, extraInputs, noSuppression, outputNamed } from '../heads/describe.ts'
import { describeInput, PREPROCESS } from '../heads/preprocess.ts'
import { addCodedBox, boxUnits } from '../heads/rows.ts'
import { fixed, tailOf } from '../heads/shapes.ts'
import { mismatch, roleValues } from '../heads/values.ts'

/**
 * RT-DETR, D-FINE, DEIM and DEIMv2 as their own repositories export them: final detections in pixels of the
 * original picture, whose size is a second input.
 *
 * labels  int64 [1, 300]
 * boxes   float [1, 300, 4], corners in pixels of the size given in `orig_target_sizes`
 * scores  float [1, 300]; some files have no batch axis
 * source  lyuwenyu/RT-DETR `rtdetrv2_pytorch/tools/export_onnx.py`, Peterande/D-FINE, Intellindust-AI-Lab/DEIM
 * cost    the size is width, height; the other way round squeezes every box of a picture that is not square,
 *         without an error
 */
export const detrDeploy: Family = {
  name: 'detr-deploy',
  title: 'RT-DETR, D-FINE, DEIM (with the size of the picture as input)',
  recognise,
  decode,
}

function decode(outputs: RoleTensors, context: DecodeContext): Candidates {
  const scores = roleValues(outputs, 'scores', context)
  const boxes = roleValues(outputs, 'boxes', context)
  const labels = roleValues(outputs, 'labels', context)
  if (boxes.length !== scores.length * 4 || labels.length !== scores.length) {
    throw mismatch(`${scores.length} boxes and labels`, `${boxes.length / 4} and ${labels.length}`)
  }
  const { boxCode, frame } = context.contract.output
  const units = boxUnits(context)
  const list = new CandidateList()
  for (let row = 0; row < scores.length; row++) {
    const score = scores[row]!
    if (score >= context.minScore) {
      addCodedBox(list, boxCode, units, boxes, row * 4, score, labels[row]!, row)
    }
  }
  return list.finish(frame)
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const described = describeInput(signature, PREPROCESS.rgbUnitStretch)
  if (described === undefined || signature.outputs.length !== 3) {
    return undefined
  }
  const extra = extraInputs(signature, described.picture)
  const sizes = extra?.find(({ kind }) => kind === 'orig-size-wh')
  if (extra?.length !== 1 || sizes === undefined) {
    return undefined
  }
  const { outputs } = signature
  const labels = outputs.find(({ type }) => /^u?int(32|64)$/.test(type))
  const others = outputs.filter((output) => output !== labels)
  const boxes = outputNamed(signature, /^boxes$/) ?? others.find(({ shape }) => fixed(shape?.at(-1)) === 4)
  const scores = others.find((output) => output !== boxes)
  if (labels === undefined || boxes === undefined || scores === undefined) {
    return undefined
  }
  return describe(
    {
      family: 'detr-deploy',
      confidence: 0.97,
      input: described.input,
      extraInputs: extra,
      roles: { labels: labels.name, boxes: boxes.name, scores: scores.name },
      boxCode: 'xyxy',
      frame: 'image',
      classes: metadataLabels(signature.metadata)?.length ?? classesOfTail(signature, scores.name),
      score: 0.4,
      suppression: noSuppression(),
      evidence: [
        evidence(
          'output',
          'final labels, boxes in pixels of the original picture, and scores',
          `the file takes "${sizes.name}", the size of the original picture`,
          0.96,
        ),
        evidence(
          'suppression',
          'none: each query is one object',
          'the family is trained without suppression',
          0.97,
        ),
        evidence(
          'input',
          'RGB scaled to 0–1, stretched',
          'RT-DETR, D-FINE and DEIM are trained so; DEIMv2 with a DINOv3 backbone (S and larger) wants ImageNet mean and deviation',
          0.8,
        ),
      ],
    },
    signature.outputs,
  )
}

/** Channels of the last class layer, which alone feeds scores; 80 when the tail does not show one. */
function classesOfTail(signature: ModelSignature, scores: string): number {
  const layers = tailOf(signature, scores)?.weightedChannels ?? []
  const likely = [80, 91, 90, 365, 366].find((count) => layers.includes(count))
  return likely ?? 0
}
