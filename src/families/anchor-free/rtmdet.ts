import type { Candidates } from '../../boxes/detection.ts'
import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { describe, evidence, noSuppression, outputNamed } from '../heads/describe.ts'
import { headKind, isTorchvisionHead } from '../heads/head-kind.ts'
import { describeInput, letterbox, PREPROCESS, type Preprocess } from '../heads/preprocess.ts'
import { fixed } from '../heads/shapes.ts'
import { mismatch, roleValues } from '../heads/values.ts'

const COLUMNS = 5

const RTMDET: Preprocess = {
  ...PREPROCESS.bgrImageNetStretch,
  geometry: letterbox('top-left', 114),
  size: { width: 640, height: 640 },
}
/** Faster R-CNN, RetinaNet, FCOS and others of MMDetection: as wide as fits, padded after normalisation. */
const CLASSIC: Preprocess = {
  ...PREPROCESS.rgbImageNetStretch,
  geometry: {
    fit: 'letterbox',
    align: 'top-left',
    pad: [124, 116, 104],
    rounding: 'round',
    resample: 'bilinear',
  },
  size: { width: 1333, height: 800 },
}

const INPUTS = {
  rtmdet: {
    preprocess: RTMDET,
    said: 'BGR with ImageNet mean and deviation on 0–255, letterbox at the top left padded with 114',
  },
  classic: {
    preprocess: CLASSIC,
    said: 'RGB with ImageNet mean and deviation, letterbox at the top left padded with the mean',
  },
  yolox: {
    preprocess: PREPROCESS.bgrBytesTopLeft,
    said: 'BGR 0–255, letterbox at the top left padded with 114',
  },
}

/**
 * RTMDet, and other MMDetection models, as MMDeploy exports them.
 *
 * dets    float [1, n, 5]: corners in model-input pixels, score
 * labels  int64 [1, n], class of each; −1 fills unused rows
 * source  open-mmlab/mmdeploy `mmdeploy/mmcv/ops/nms.py`; mmdetection `configs/rtmdet/rtmdet_l_8xb32-300e_coco.py`
 * cost    RF-DETR has outputs of the same names with other contents: `labels` are float logits there. Models
 *         other than RTMDet are fed otherwise (Faster R-CNN: RGB), which only the last layers tell.
 */
export const rtmdet: Family = {
  name: 'rtmdet',
  title: 'RTMDet and other MMDeploy exports',
  recognise,
  decode,
}

function decode(outputs: RoleTensors, context: DecodeContext): Candidates {
  const dets = roleValues(outputs, 'dets', context)
  const labels = roleValues(outputs, 'labels', context)
  if (dets.length !== labels.length * COLUMNS) {
    throw mismatch(`${labels.length} rows of ${COLUMNS}`, `${dets.length} values`)
  }
  const list = new CandidateList()
  for (let row = 0, at = 0; row < labels.length; row++, at += COLUMNS) {
    const score = dets[at + 4]!
    const classId = labels[row]!
    if (classId < 0 || score < context.minScore) {
      continue
    }
    list.add(dets[at]!, dets[at + 1]!, dets[at + 2]!, dets[at + 3]!, score, classId, row)
  }
  return list.finish('input')
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const labels = outputNamed(signature, /^labels$/)
  const dets = outputNamed(signature, /^dets$/)
  const head = dets && headKind(signature, dets.name)
  const trained = isTorchvisionHead(head) ? 'classic' : head?.kind === 'objectness' ? 'yolox' : 'rtmdet'
  const { preprocess, said } = INPUTS[trained]
  const described = describeInput(signature, preprocess)
  if (described === undefined || signature.inputs.length > 1) {
    return undefined
  }
  if (labels === undefined || dets === undefined || !/^u?int/.test(labels.type)) {
    return undefined
  }
  if ((fixed(dets.shape?.at(-1)) ?? COLUMNS) !== COLUMNS) {
    return undefined
  }
  const isSized = described.picture.width !== undefined
  return describe(
    {
      family: 'rtmdet',
      confidence: 0.95,
      input: described.input,
      roles: { dets: dets.name, labels: labels.name },
      boxCode: 'xyxy',
      classes: metadataLabels(signature.metadata)?.length ?? 0,
      score: 0.3,
      suppression: noSuppression(),
      evidence: [
        evidence(
          'output',
          'corners with score, and integer labels',
          'the outputs are named dets and labels',
          0.97,
        ),
        evidence(
          'input',
          said,
          trained === 'classic'
            ? 'the last layers are those of a two-stage or anchor head, which MMDetection trains so'
            : trained === 'yolox'
              ? 'a layer of objectness beside those of boxes and classes is YOLOX, which MMDetection trains so'
              : isSized
                ? 'RTMDet is trained so and exported with a fixed size'
                : 'RTMDet is trained so; other MMDetection models export the same outputs and want other input',
          trained === 'rtmdet' ? (isSized ? 0.75 : 0.5) : 0.7,
        ),
      ],
    },
    signature.outputs,
  )
}
