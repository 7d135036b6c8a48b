import { SUBJECT_OPTIONS } from '../eval/subjects.ts'
import type { Options } from '../kit/option-spec.ts'
import { defineVerb } from '../kit/verb.ts'
import { runDiff } from './run.ts'

export const DIFF_OPTIONS = {
  ...SUBJECT_OPTIONS,
  images: { ...SUBJECT_OPTIONS.images, says: 'folder of pictures, with everything below it' },
  map: {
    ...SUBJECT_OPTIONS.map,
    says: 'JSON object from labels of B to labels of A; null leaves a label out',
  },
  out: {
    ...SUBJECT_OPTIONS.out,
    says: 'page with pictures side by side',
    value: 'FILE.html',
    completes: 'file',
  },
  worst: { ...SUBJECT_OPTIONS.worst, says: 'number of most different pictures on the page' },
} as const satisfies Options

export const verb = defineVerb({
  name: 'diff',
  summary: 'Show where two models find different things, without labels.',
  about: `A and B are names in the catalogue or model files. One of them may be a deployed service or Rekognition
    instead. Each finds objects with its own thresholds unless --min-score is given. --labels, --contract, --set and
    --as-is are for both.`,
  inputs: { usage: 'A B', noun: 'models', least: 0, most: 2, completes: 'model' },
  options: DIFF_OPTIONS,
  exits: '0 compared, 1 some pictures failed, 2 wrong usage, 3 nothing could be compared.',
  examples: [
    'boxlet diff yolov8n yolov8s --images photos --out difference.html',
    'boxlet diff fridge.onnx fridge-int8.onnx --images photos --min-score 0.3',
    'boxlet diff yolov8n --endpoint https://abc.lambda-url.eu-west-1.on.aws --images photos',
  ],
  alsoKnownAs: ['compare'],
  run: runDiff,
})
