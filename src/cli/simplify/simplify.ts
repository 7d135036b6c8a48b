import { defineVerb } from '../kit/verb.ts'
import { SIMPLIFY_OPTIONS } from './options.ts'
import { runSimplify } from './run.ts'

export const verb = defineVerb({
  name: 'simplify',
  summary: 'Write a model in fewer and newer operators that gives the same.',
  about: `Constants are folded, and sizes with them once the input size is fixed; batch norms go into convolutions; what
    computes nothing is taken out; weights are no longer inputs; operator sets 7 to 16 become 17.

    The outputs of both files are compared on pictures. Where they differ by more than 1e-4, of the value where that is
    above one, nothing is written.`,
  inputs: { usage: 'MODEL', noun: 'model', least: 1, most: 1, completes: 'model' },
  options: SIMPLIFY_OPTIONS,
  exits: '0 written, 2 wrong usage, 3 nothing was written.',
  examples: [
    'boxlet simplify best.onnx',
    'boxlet simplify best.onnx --input 384x640 --labels classes.txt --out best-wide.onnx',
    'boxlet simplify best.onnx --boxes raw --images photos',
  ],
  alsoKnownAs: ['onnxsim', 'onnxslim', 'slim', 'optimize', 'optimise'],
  run: runSimplify,
})
