import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { Family, Recognition } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import { declaredAxes, describe, evidence, noSuppression } from '../heads/describe.ts'
import { ultralyticsInput } from '../heads/ultralytics.ts'
import { roleValues } from '../heads/values.ts'

/** Classes that a classifier returns at most; Ultralytics shows as many. */
const TOP = 5

/**
 * YOLOv8 and YOLO11 classification: the best classes of the whole picture, each with the picture as its box.
 *
 * scores  float [1, classes], probabilities (softmax inside the export)
 * source  ultralytics `models/yolo/classify/predict.py`
 * cost    the reference cuts the centre square out of the picture; squeezing the whole picture in instead, as
 *         here, sees the edges but lowers scores of wide pictures
 */
export const yolov8Classify: Family = {
  name: 'yolov8-classify',
  title: 'YOLOv8 and YOLO11 classification',
  recognise,
  decode(outputs, context) {
    const scores = roleValues(outputs, 'scores', context)
    const { width, height } = context.letterbox.image
    const list = new CandidateList()
    const best = Array.from(scores.keys())
      .sort((a, b) => scores[b]! - scores[a]!)
      .slice(0, TOP)
    for (const classId of best) {
      const score = scores[classId]!
      if (score >= context.minScore) {
        list.add(0, 0, width, height, score, classId, classId)
      }
    }
    return list.finish('image')
  },
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const common = ultralyticsInput(signature)
  const output = signature.outputs[0]
  if (common === undefined || output === undefined || signature.outputs.length > 1) {
    return undefined
  }
  const classes = declaredAxes(output, 1)?.[0]
  if (classes === undefined || output.shape?.length !== 2) {
    return undefined
  }
  const isSaid = signature.metadata.task === 'classify'
  const namesFit = metadataLabels(signature.metadata)?.length === classes
  if (!isSaid && !namesFit) {
    return undefined
  }
  return describe(
    {
      family: 'yolov8-classify',
      confidence: isSaid ? 0.98 : 0.7,
      task: 'classify',
      input: {
        ...common.input,
        geometry: { ...common.input.geometry, fit: 'stretch', align: 'top-left', pad: [0, 0, 0] },
      },
      roles: { scores: output.name },
      boxCode: 'xyxy',
      frame: 'image',
      classes,
      score: 0.25,
      suppression: noSuppression(TOP),
      evidence: [
        evidence('input', 'RGB scaled to 0–1, stretched', 'the family is trained on RGB 0–1 squares', 0.7),
        evidence(
          'output',
          `${classes} class probabilities for the whole picture and no boxes`,
          isSaid ? 'the metadata says task classify' : `the metadata names ${classes} classes`,
          isSaid ? 0.98 : 0.7,
        ),
      ],
    },
    signature.outputs,
  )
}
