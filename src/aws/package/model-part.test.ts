import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { table } from '../../../test/support/family-runs.ts'
import { constantModel } from '../../../test/support/onnx-graph.ts'
import { weightFiles } from '../../onnx/write/join-weights.ts'
import { splitWeights } from '../../onnx/write/split-weights.ts'
import { packageModel } from './model-part.ts'

describe('a model in two files', () => {
  it('is packaged with its weights', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'boxlet-parts-'))
    try {
      const rows = table(300, 6, { 0: [40, 80, 120, 200, 0.9, 2] })
      const whole = constantModel(
        [{ name: 'images', shape: [1, 3, 320, 320] }],
        [{ name: 'output0', shape: [1, 300, 6], values: rows, stored: true }],
      )
      const { graph, weights } = splitWeights(whole, 'best.onnx.data')!
      await writeFile(join(folder, 'best.onnx'), graph)
      await writeFile(join(folder, 'best.onnx.data'), weights)
      const { manifest, files } = await packageModel(join(folder, 'best.onnx'), {
        env: process.env,
        signal: new AbortController().signal,
        acceptedLicences: [],
      })
      const packed = files.find(({ name }) => name.endsWith('model.onnx'))!
      expect(weightFiles(packed.bytes as Uint8Array)).toEqual([])
      expect(manifest.bytes).toBeGreaterThan(rows.byteLength)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
