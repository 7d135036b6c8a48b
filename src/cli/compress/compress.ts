import { defineVerb } from '../kit/verb.ts'
import { COMPRESS_OPTIONS } from './options.ts'
import { runCompress } from './run.ts'

export const verb = defineVerb({
  name: 'compress',
  summary: 'Store the weights of a model in fewer bits; the run computes as before.',
  about: `Weights are turned back into float32 when the file is loaded, so that it runs anywhere, and as fast as before.
    For a file that runs faster, see "boxlet quantize".

    What both files find in pictures is compared, and nothing is written below an agreement (AP50) of
    0.97, unless labels show that AP lost no more than 0.005.`,
  inputs: { usage: 'MODEL', noun: 'model', least: 1, most: 1, completes: 'model' },
  options: COMPRESS_OPTIONS,
  exits: '0 written, 2 wrong usage, 3 nothing was written.',
  examples: [
    'boxlet compress best.onnx',
    'boxlet compress best.onnx --to float16 --out best-half.onnx',
    'boxlet compress best.onnx --to int8 --data photos',
  ],
  run: runCompress,
})
