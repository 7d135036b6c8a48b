import { describe, expect, it } from 'vitest'
import { constantModel } from '../../test/support/onnx-graph.ts'
import { recognise } from '../families/recognise.ts'
import { readOnnx } from '../onnx/read/reader.ts'
import { mergeContract } from './contract-merge.ts'
import { validateContract } from './contract-schema.ts'

const contract = recognise(
  readOnnx(
    constantModel(
      [{ name: 'images', shape: [1, 3, 64, 64] }],
      [{ name: 'output0', shape: [1, 6, 84], values: new Array(6 * 84).fill(0) }],
      { names: "{0: 'cat', 1: 'dog'}" },
    ),
  ),
  'pets',
).contract

describe('validateContract', () => {
  it('takes what recognition concludes, there and back through JSON', () => {
    expect(validateContract(JSON.parse(JSON.stringify(contract)))).toEqual(contract)
  })
  it.each([
    [{ input: { colour: 'blue' } }, 'for input.colour but received "blue"'],
    [{ input: { color: 'BGR' } }, 'received "input.color"'],
    [{ thresholds: { score: 3 } }, 'for thresholds.score but received 3'],
    [{ suppression: { maxDetections: 0 } }, 'suppression.maxDetections'],
    [{ labels: ['cat', 5] }, 'labels.1'],
    [{ version: 2 }, 'version'],
    [{ input: { mean: [0, 0] } }, 'input.mean'],
    [{ input: { std: [0, 1, 1] } }, 'input.std.0'],
  ])('names the place of %j', (parts, text) => {
    expect(() => mergeContract(contract, parts)).toThrowError(
      expect.objectContaining({ code: 'CONTRACT_INVALID', message: expect.stringContaining(text) }),
    )
  })
  it.each([null, 'text', 5, [], {}])('refuses %j', (value) => {
    expect(() => validateContract(value)).toThrowError(expect.objectContaining({ code: 'CONTRACT_INVALID' }))
  })
})
