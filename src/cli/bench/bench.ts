import { defineVerb } from '../kit/verb.ts'
import { BENCH_OPTIONS } from './options.ts'
import { runBench } from './run.ts'

export const verb = defineVerb({
  name: 'bench',
  summary: 'Time models on this machine, from start to pictures a second.',
  about: `Each model starts in a process of its own: time to an open model, first picture, median and 95th percentile of the
    whole path from bytes to boxes on one thread, and memory. Beside it stands the floor: the run alone of the file as
    it is, on the same pictures in turn. Then a model on each processor tells pictures a second.`,
  inputs: { usage: 'MODEL...', noun: 'model', least: 1, completes: 'model' },
  options: BENCH_OPTIONS,
  exits: '0 measured, 1 some models failed, 2 wrong usage, 3 nothing could be measured.',
  examples: [
    'boxlet bench yolov8n',
    'boxlet bench best.onnx best.quantized.onnx --images photos',
    'boxlet bench yolov8n yolox-nano deimv2-atto --data coco --plot models.svg',
  ],
  run: runBench,
})
