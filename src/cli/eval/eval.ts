import { defineVerb } from '../kit/verb.ts'
import { EVAL_OPTIONS } from './options.ts'
import { runEval } from './run.ts'

export const verb = defineVerb({
  name: 'eval',
  summary: 'Measure models on a labelled data set.',
  about: `MODEL is a name in the catalogue or an .onnx, .tflite or .pt file. One model is measured, two are compared,
    more make a table. DATASET is a COCO .json file, a Pascal VOC folder, a YOLO data.yaml, or a folder with one of
    these.

    --out writes report.html, report.json, report.md and detections.json, and comparison.html for two.`,
  inputs: { usage: 'MODEL...', noun: 'model', least: 0, completes: 'model' },
  options: EVAL_OPTIONS,
  exits: '0 measured, 1 some pictures or models failed, 2 wrong usage, 3 nothing could be measured.',
  examples: [
    'boxlet eval yolov8n --data coco/instances_val2017.json --out report',
    'boxlet eval fridge.onnx --labels class_map.json --data fridge-voc --split test --out report',
    'boxlet eval yolov8n yolov8s --data coco/ --format markdown',
  ],
  takenFor: ['val', 'validate', 'evaluate'],
  alsoKnownAs: ['test', 'map'],
  run: runEval,
})
