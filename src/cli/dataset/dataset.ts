import type { VerbGroup } from '../kit/verb.ts'

export const verb: VerbGroup = {
  name: 'dataset',
  summary: 'Convert, count, split, label and look at data sets.',
  about: `DATASET is a COCO .json file, a Pascal VOC folder, a YOLO data.yaml, or a folder with one of these.

    Exit codes: 0 all well, 1 done but the set has faults, 2 wrong usage, 3 nothing could be done.`,
  verbs: {
    stats: () => import('./stats.ts'),
    convert: () => import('./convert.ts'),
    split: () => import('./split.ts'),
    label: () => import('./label.ts'),
    view: () => import('./view.ts'),
  },
  examples: [
    'boxlet dataset stats fridge-voc',
    'boxlet dataset convert coco/instances_val2017.json --to yolo --out coco-yolo',
    'boxlet dataset split fridge.json --parts train=0.7,val=0.15,test=0.15 --out fridge-parts',
    'boxlet dataset label photos --model fridge.onnx --out photos-labelled',
    'boxlet dataset view fridge-voc --split test --out look.html',
  ],
}
