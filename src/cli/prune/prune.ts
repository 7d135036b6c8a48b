import { defineVerb } from '../kit/verb.ts'
import { PRUNE_OPTIONS } from './options.ts'
import { runPrune } from './run.ts'

export const verb = defineVerb({
  name: 'prune',
  summary: 'Take the channels of a model out that matter least, measured.',
  about: `Whole channels go, so that the file is smaller and faster everywhere. Each layer is tried alone; then layers are
    taken from the least harmful on, as many as leave the file the same detector: an agreement (AP50) of 0.97, or with
    labels a loss of AP of 0.005 at most.

    Without training that is few for most networks. Nothing is written unless the file is faster, which the verb says.`,
  inputs: { usage: 'MODEL', noun: 'model', least: 1, most: 1, completes: 'model' },
  options: PRUNE_OPTIONS,
  exits: '0 written, 1 measured and not worth it, 2 wrong usage, 3 nothing could be done.',
  examples: [
    'boxlet prune best.onnx --data shelf/data.yaml',
    'boxlet prune best.onnx --data photos --keep 0.5',
  ],
  run: runPrune,
})
