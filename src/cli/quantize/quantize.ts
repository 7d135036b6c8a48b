import { defineVerb } from '../kit/verb.ts'
import { QUANTIZE_OPTIONS } from './options.ts'
import { runQuantize } from './run.ts'

export const verb = defineVerb({
  name: 'quantize',
  summary: 'Make a model of whole numbers: a quarter of the size, and faster, measured.',
  about: `Ranges are taken from your pictures in several ways, parts of the graph are tried one by one, and each file is
    compared with the float one on pictures that were not calibrated on. What is written is the best of them.

    Nothing is written unless it is faster and the same detector: an agreement (AP50) of 0.97, or with labels a loss of
    AP of 0.005 at most. Networks of depthwise convolutions and small transformers gain nothing, which the verb says.`,
  inputs: { usage: 'MODEL', noun: 'model', least: 1, most: 1, completes: 'model' },
  options: QUANTIZE_OPTIONS,
  exits: '0 written, 1 measured and not worth it, 2 wrong usage, 3 nothing could be done.',
  examples: [
    'boxlet quantize best.onnx --data photos',
    'boxlet quantize best.onnx --data shelf/data.yaml --split val --out best-int8.onnx',
    'boxlet quantize yolov8n --data coco --pictures 32 --limit 63 --format json',
  ],
  alsoKnownAs: ['quantise', 'int8', 'ptq'],
  run: runQuantize,
})
