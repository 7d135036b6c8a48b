import { describe, expect, it } from 'vitest'
import type { ModelSignature } from '../model/signature.ts'
import { recognise } from './recognise.ts'

const signature = (constants: { op: string; values: number[] }[]): ModelSignature => ({
  format: 'onnx',
  bytes: 1,
  inputs: [{ name: 'images', type: 'float32', shape: [1, 3, 640, 640] }],
  outputs: [{ name: 'output0', type: 'float32', shape: [1, 84, 8400] }],
  metadata: {},
  producer: { name: 'pytorch', version: '2' },
  opsets: { 'ai.onnx': 17 },
  ops: {},
  parameters: 3_000_000,
  tails: {},
  stems: { images: { ops: constants.map(({ op }) => op), constants, firstWeight: [16, 3, 3, 3] } },
})

describe('scaling inside the graph', () => {
  it.each([
    ['Div', [255]],
    ['Mul', [0.003921569]],
  ])('a %s before the first layer takes bytes', (op, values) => {
    const { contract, evidence } = recognise(signature([{ op, values }]), 'any')
    expect([contract.family, contract.input.std]).toEqual(['yolov8', [1, 1, 1]])
    expect(evidence.map(({ about }) => about)).toContain('input.std')
  })

  it('other constants change nothing', () => {
    const { contract } = recognise(signature([{ op: 'Sub', values: [0.485, 0.456, 0.406] }]), 'any')
    expect(contract.input.std).toEqual([255, 255, 255])
  })
})
