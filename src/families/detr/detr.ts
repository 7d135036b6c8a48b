import type { Candidates } from '../../boxes/detection.ts'
import { COCO_91 } from '../../model/labels/label-sets.ts'
import { metadataLabels } from '../../model/labels/labels.ts'
import type { ModelSignature } from '../../model/signature.ts'
import type { DecodeContext, Family, Recognition, RoleTensors } from '../family.ts'
import { CandidateList } from '../heads/candidates.ts'
import {
  declaredAxes,
  describe,
  evidence,
  extraInputs,
  noSuppression,
  outputNamed,
} from '../heads/describe.ts'
import { describeInput } from '../heads/preprocess.ts'
import { addCodedBox, argmax, boxUnits } from '../heads/rows.ts'
import { floats } from '../heads/tensor.ts'
import { lastAxes, logit, mismatch, roleTensor, roleValues, sigmoid } from '../heads/values.ts'
import { settled } from '../settle.ts'
import { variantOf } from './detr-variant.ts'

/** Queries whose best class is the last one: with a class for "nothing" that is nearly all of them. */
const NOTHING_SHARE = 0.5
/**
 * DETR styles as Transformers exports them: class logits and boxes for each query.
 *
 * logits  float [1, queries, classes]
 * boxes   float [1, queries, 4], centre x, centre y, width, height as fractions of the model input
 * activation  sigmoid: every query and class pair competes, the best `maxDetections` are kept (RT-DETR, D-FINE,
 *         Deformable, Conditional DETR, RF-DETR); softmax: the last class is "nothing" and is dropped (DETR,
 *         YOLOS, Table Transformer)
 * source  huggingface/transformers `models/{detr,rt_detr,conditional_detr}/image_processing_*.py`
 *         post_process_object_detection
 * cost    softmax on a sigmoid model divides one object's score among all classes; the best class a query
 *         instead of the best pairs costs 0.7 to 0.9 points of AP
 */
export const detr: Family = {
  name: 'detr',
  title: 'DETR styles with logits and pred_boxes (RT-DETR, D-FINE, DETR, YOLOS)',
  recognise,
  decode: decodeQueries,
  spareColumn: ({ output }) =>
    output.scoreActivation === 'softmax' || output.classes === COCO_91.length ? 'last' : undefined,
  settle,
}

/** Reads logits and boxes of queries by the activation of the contract. */
export function decodeQueries(outputs: RoleTensors, context: DecodeContext): Candidates {
  const [queries, classes] = lastAxes(roleTensor(outputs, 'logits'), 2, 'logits') as [number, number]
  const logits = roleValues(outputs, 'logits', context)
  const boxes = roleValues(outputs, 'boxes', context)
  if (boxes.length !== queries * 4) {
    throw mismatch(`${queries} boxes`, `${boxes.length / 4}`)
  }
  const { boxCode, frame, scoreActivation } = context.contract.output
  const units = boxUnits(context)
  const list = new CandidateList()
  // A last column that the labels leave without a name is "no object", whatever it holds.
  const { labels } = context.contract
  const nothing = labels.length === classes && labels.at(-1) === null ? classes - 1 : undefined
  const add = (query: number, classId: number, score: number) => {
    if (classId !== nothing) {
      addCodedBox(list, boxCode, units, boxes, query * 4, score, classId, query)
    }
  }
  if (scoreActivation === 'softmax') {
    softmaxQueries(logits, queries, classes, context.minScore, add)
  } else {
    sigmoidPairs(logits, queries, classes, scoreActivation === 'none', context, add)
  }
  return list.finish(frame)
}

type Add = (query: number, classId: number, score: number) => void

/** One class a query, out of all but the last. */
function softmaxQueries(
  logits: Float32Array,
  queries: number,
  classes: number,
  minScore: number,
  add: Add,
): void {
  for (let query = 0, at = 0; query < queries; query++, at += classes) {
    const most = logits[at + argmax(logits, at, classes)]!
    let sum = 0
    for (let c = 0; c < classes; c++) {
      sum += Math.exp(logits[at + c]! - most)
    }
    const classId = argmax(logits, at, classes - 1)
    const score = Math.exp(logits[at + classId]! - most) / sum
    if (score >= minScore) {
      add(query, classId, score)
    }
  }
}

/** The best pairs of query and class, a query more than once if need be. */
function sigmoidPairs(
  logits: Float32Array,
  queries: number,
  classes: number,
  isProbability: boolean,
  context: DecodeContext,
  add: Add,
): void {
  const least = isProbability ? context.minScore : logit(context.minScore)
  const pairs: number[] = []
  for (let i = 0; i < queries * classes; i++) {
    if (logits[i]! >= least) {
      pairs.push(i)
    }
  }
  pairs.sort((a, b) => logits[b]! - logits[a]! || a - b)
  const most = Math.max(queries, context.contract.suppression.maxDetections)
  for (const pair of pairs.slice(0, most)) {
    const score = isProbability ? logits[pair]! : sigmoid(logits[pair]!)
    add(Math.floor(pair / classes), pair % classes, score)
  }
}

function recognise(signature: ModelSignature): Recognition | undefined {
  const logits = outputNamed(signature, /^logits$/)
  const boxes = outputNamed(signature, /^pred_boxes$/)
  if (logits === undefined || boxes === undefined) {
    return undefined
  }
  const [queries, classes] = declaredAxes(logits, 2) ?? []
  const variant = variantOf(signature, queries, classes)
  const described = describeInput(signature, variant.preprocess)
  if (described === undefined) {
    return undefined
  }
  const extra = extraInputs(signature, described.picture)
  if (extra === undefined) {
    return undefined
  }
  const { activation, certain } = variant
  return describe(
    {
      family: 'detr',
      confidence: 0.96,
      input: described.input,
      extraInputs: extra,
      roles: { logits: logits.name, boxes: boxes.name },
      boxCode: 'cxcywh',
      boxUnits: 'ratio',
      scoreActivation: activation,
      classes: classes ?? metadataLabels(signature.metadata)?.length ?? 0,
      score: 0.5,
      suppression: noSuppression(),
      unsettled: certain ? [] : ['output.scoreActivation'],
      evidence: [
        evidence(
          'output',
          'logits and boxes for each query',
          'the outputs are named logits and pred_boxes',
          0.98,
        ),
        evidence(
          'suppression',
          'none: each query is one object',
          'the family is trained without suppression',
          0.97,
        ),
        activationEvidence(activation, variant.reason, certain ? 0.9 : 0.6),
        evidence('input', variant.input, variant.inputReason, variant.inputConfidence),
        ...(described.input.geometry.fit === variant.preprocess.geometry.fit
          ? []
          : [
              evidence(
                'input.geometry',
                `stretched to ${described.input.size.width}×${described.input.size.height}`,
                'the file takes this one size',
                0.8,
              ),
            ]),
      ],
    },
    signature.outputs,
  )
}

const activationEvidence = (activation: string, reason: string, confidence: number) =>
  evidence(
    'output.scoreActivation',
    activation === 'softmax' ? 'softmax without the last class' : 'sigmoid over query and class pairs',
    reason,
    confidence,
  )

/** A class for "nothing" wins nearly every query of a softmax model; an ordinary last class wins few. */
function settle(outputs: RoleTensors, recognition: Recognition): Recognition {
  const [queries, classes] = lastAxes(roleTensor(outputs, 'logits'), 2, 'logits') as [number, number]
  const logits = floats(roleTensor(outputs, 'logits'))
  let last = 0
  for (let query = 0; query < queries; query++) {
    if (argmax(logits, query * classes, classes) === classes - 1) {
      last++
    }
  }
  const activation = classes > 1 && last > NOTHING_SHARE * queries ? 'softmax' : 'sigmoid'
  return settled(recognition, { scoreActivation: activation, classes }, [
    activationEvidence(
      activation,
      `in a probe run the last of ${classes} logits was the largest in ${last} of ${queries} queries`,
      0.92,
    ),
  ])
}
