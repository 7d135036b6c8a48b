import { defineVerb } from '../kit/verb.ts'
import { TEACH_OPTIONS } from './options.ts'
import { runTeach } from './run.ts'

export const verb = defineVerb({
  name: 'teach',
  summary: 'Train a detector on your own labelled pictures, on this machine.',
  about: `DATASET is a COCO .json file, a Pascal VOC folder, a YOLO data.yaml, or a folder with one of these or with
    label files beside its pictures. Its own parts train, val and test are used; a set without parts is divided 70, 15 and 15 % by the seed, each class keeping
    its share.

    Beside the model lie its contract with a threshold for each class, and report.html and report.json under the same
    name. Ctrl-C stops after the step that is being done and writes what was learned so far.`,
  inputs: {
    usage: 'DATASET',
    noun: 'data set',
    least: 1,
    most: 1,
    completes: 'file',
    hint: 'For example: boxlet teach fridge-voc --out fridge.onnx',
  },
  options: TEACH_OPTIONS,
  exits: '0 taught, 1 stopped early on request, 2 wrong usage, 3 nothing could be taught.',
  examples: [
    'boxlet teach fridge-voc --out fridge.onnx',
    'boxlet teach shelf/data.yaml --quick --page --out shelf.onnx',
    'boxlet teach fridge-voc --also to-label --from fridge.onnx --minutes 10 --out fridge-2.onnx',
  ],
  takenFor: ['train'],
  alsoKnownAs: ['fit', 'finetune', 'fine-tune'],
  run: runTeach,
})
