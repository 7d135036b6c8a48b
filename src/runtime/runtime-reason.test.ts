import { describe, expect, it } from 'vitest'
import { runtimeReason } from './runtime-reason.ts'

describe('runtimeReason', () => {
  it.each([
    [
      "Non-zero status code returned while running Concat node. Name:'/model.22/Concat' Status Message: /onnxruntime_src/onnxruntime/core/providers/cpu/tensor/concat.cc:159 onnxruntime::PrepareForCompute",
      "the runtime says: Non-zero status code returned while running Concat node. Name:'/model.22/Concat' Status Message: <path> onnxruntime::PrepareForCompute",
    ],
    [
      'Node (/model.22/dfl/conv.1/Conv) Op (Conv) [ShapeInferenceError] N:\\_work\\1\\s\\onnxruntime\\core\\graph\\graph.cc:42 failed.',
      'the runtime says: Node (/model.22/dfl/conv.1/Conv) Op (Conv) [ShapeInferenceError] <path> failed',
    ],
    [
      '/Users/builder/_work/1/s/onnxruntime/core/common/safeint.h:17 Integer\n overflow',
      'the runtime says: <path> Integer overflow',
    ],
    [
      "Load model from /home/ann/models/x.onnx failed:File doesn't exist",
      "the runtime says: Load model from <path> failed:File doesn't exist",
    ],
    ['cannot open "C:\\Users\\Ann\\weights.bin"', 'the runtime says: cannot open "<path>"'],
    [
      'Missing Input: /backbone/layers.0/data_1',
      'the runtime says: Missing Input: /backbone/layers.0/data_1',
    ],
  ])('of %j', (message, expected) => {
    expect(runtimeReason(new Error(message))).toBe(expected)
  })
  it('hides the path of the model whatever its name', () => {
    const path = '/home/ann lee/my models/x'
    expect(runtimeReason(new Error(`Load model from ${path} failed`), path)).toBe(
      'the runtime says: Load model from <path> failed',
    )
  })
})
