import { describe, expect, it } from 'vitest'
import { tinyYolox } from '../../test/support/tiny-yolox.ts'
import { tinyYolov8 } from '../../test/support/yolov8-head.ts'
import { seededRandom } from '../datasets/random.ts'
import { BoxletError } from '../errors.ts'
import { parseModel } from '../onnx/read/parse.ts'
import { compressWeights } from './compress/compress.ts'
import { readDraft } from './graph/read-draft.ts'
import { mergeDuplicates, sortNodes } from './graph/rewire.ts'
import { writeDraft } from './graph/write-draft.ts'
import { channelGroups } from './prune/groups.ts'
import { findRegion } from './quantize/region.ts'
import { foldBatchNorm } from './simplify/batch-norm.ts'
import { noCounts } from './simplify/counts.ts'
import { knownShapes } from './simplify/fold.ts'
import { liftOpset } from './simplify/lift.ts'
import { tidy } from './simplify/tidy.ts'

const FILES = 150

/** A copy with a few bytes of its structure changed, or its end lost. */
function damaged(bytes: Uint8Array, random: () => number): Uint8Array {
  const copy = bytes.slice(0, random() < 0.1 ? Math.floor(random() * bytes.length) : bytes.length)
  for (let flips = 1 + Math.floor(random() * 4); flips > 0 && copy.length > 0; flips--) {
    copy[Math.floor(random() * copy.length)] = Math.floor(random() * 256)
  }
  return copy
}

describe('files of strangers', () => {
  it.each([
    ['YOLOX', tinyYolox(['a'], 32)],
    ['YOLOv8', tinyYolov8({ parts: 'slice', sides: 'slice', half: 'mul', attention: true })],
  ])(
    'end every pass on a damaged %s with an error that says so, or with a file that can be read',
    (_, bytes) => {
      const random = seededRandom(5)
      const whole = readDraft(bytes)
      // Graph and constants alone: weights are most of the bytes, and nothing breaks in them.
      const lean = writeDraft({ ...whole, opsets: new Map([['', 11]]) })
      for (let file = 0; file < FILES; file++) {
        try {
          const draft = readDraft(damaged(lean, random))
          const counts = noCounts()
          sortNodes(draft)
          liftOpset(draft, knownShapes(draft), counts)
          tidy(draft, counts)
          foldBatchNorm(draft, counts)
          mergeDuplicates(draft)
          findRegion(draft)
          channelGroups(draft, knownShapes(draft))
          compressWeights(draft, 'int8')
          parseModel(writeDraft(draft))
        } catch (error) {
          expect(error).toBeInstanceOf(BoxletError)
        }
      }
    },
  )
})
