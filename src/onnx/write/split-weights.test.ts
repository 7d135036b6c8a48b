import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { corpusBytes, hasCorpus } from '../../../test/support/corpus.ts'
import type { Tensor } from '../../model/tensor.ts'
import { openSession } from '../../runtime/session.ts'
import { parseModel } from '../read/parse.ts'
import { splitWeights } from './split-weights.ts'

const MODELS = [
  'yolox-nano.onnx',
  'nanodet-m-416-int8-qoperator.onnx',
  'retinanet-bccd-384-icevision.onnx',
  'ultraface-rfb-320.onnx',
]

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'boxlet-split-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function outputsOf(path: string): Promise<[string, number[]][]> {
  const session = await openSession(path, { threads: 1 })
  try {
    const feeds = session.inputs.map(({ name, type, shape }): [string, Tensor] => {
      const dims = shape.map((dim) => (typeof dim === 'number' ? dim : 1))
      const length = dims.reduce((product, dim) => product * dim, 1)
      const data = type === 'uint8' ? new Uint8Array(length).fill(99) : new Float32Array(length).fill(0.4)
      return [name, { type: type === 'uint8' ? 'uint8' : 'float32', dims, data }]
    })
    const outputs = await session.run(new Map(feeds))
    return [...outputs].map(([name, { data }]) => [name, [...data].map(Number)])
  } finally {
    await session.release()
  }
}

describe.skipIf(!hasCorpus)('a model whose weights lie in a file of their own', () => {
  it.each(MODELS)('gives what %s gives', async (name) => {
    const whole = corpusBytes(`models/${name}`)
    const split = splitWeights(whole, 'w.bin')!
    expect(split.graph.length + split.weights.length).toBeLessThan(whole.length * 1.1)
    expect(split.graph.length).toBeLessThan(whole.length / 4)
    writeFileSync(join(folder, 'whole.onnx'), whole)
    writeFileSync(join(folder, 'split.onnx'), split.graph)
    writeFileSync(join(folder, 'w.bin'), split.weights)
    expect(await outputsOf(join(folder, 'split.onnx'))).toEqual(await outputsOf(join(folder, 'whole.onnx')))
  })
  it('starts every tensor where vectors load fast, and keeps shapes in the graph', () => {
    const whole = corpusBytes(`models/${MODELS[0]}`)
    const before = parseModel(whole).graph.initializers
    const after = parseModel(splitWeights(whole, 'w.bin')!.graph).graph.initializers
    expect([...after.keys()]).toEqual([...before.keys()])
    for (const [name, tensor] of after) {
      const { raw } = before.get(name)!
      expect(tensor.external).toBe(raw !== undefined && raw.end - raw.start >= 1024)
      expect(tensor.dims).toEqual(before.get(name)!.dims)
    }
  })
  it('leaves a model alone that has none', () => {
    const { graph } = splitWeights(corpusBytes(`models/${MODELS[0]}`), 'w.bin')!
    expect(splitWeights(graph, 'w.bin')).toBeUndefined()
  })
})
