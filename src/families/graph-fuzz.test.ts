import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HEAD_NAMES } from '../../test/support/head-names.ts'
import { constantModel } from '../../test/support/onnx-graph.ts'
import { Detector } from '../detector/detector.ts'
import { BoxletError } from '../errors.ts'

/** Elements of one output at most, so that a graph is made and run in milliseconds. */
const MAX_VALUES = 200_000

/** Axes of real heads for inputs of 64 and 128, and others that are near them. */
const AXES = [
  1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 18, 20, 21, 32, 63, 64, 66, 67, 84, 85, 91, 92, 128, 252, 255, 256,
  300, 336, 340, 384, 512, 896, 1344,
] // prettier-ignore

const output = fc.record({
  name: fc.constantFrom(...HEAD_NAMES),
  type: fc.constantFrom(
    'float32' as const,
    'float32' as const,
    'float32' as const,
    'int64' as const,
    'int32' as const,
  ),
  dims: fc.oneof(
    fc.array(fc.constantFrom(...AXES), { minLength: 1, maxLength: 4 }),
    fc.constantFrom<number[]>(
      [1, 6, 84],
      [1, 84, 7],
      [1, 300, 6],
      [1, 6, 340],
      [1, 252, 7],
      [1, 100, 7],
      [5, 4],
      [5],
      [1, 7, 8, 8],
    ),
  ),
  /** Which axes the file only names, and whether it declares any shape. */
  named: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
  isDeclared: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
  fill: fc.constantFrom(0, 0.2, 0.6, 0.95, 1, -3, 7, 50),
})

const graph = fc.record({
  input: fc.constantFrom<(number | string)[]>(
    [1, 3, 64, 64],
    [1, 3, 128, 128],
    [1, 64, 64, 3],
    ['batch', 3, 64, 64],
    ['batch', 3, 'height', 'width'],
    [1, 1, 64, 64],
    ['N', 24, 24, 3],
    [3, 'h', 'w'],
  ),
  inputName: fc.constantFrom('images', 'input', 'pixel_values', 'x'),
  outputs: fc.uniqueArray(output, { minLength: 1, maxLength: 6, selector: ({ name }) => name }),
  metadata: fc.constantFrom<Record<string, string>>(
    {},
    {},
    { names: "{0: 'a', 1: 'b'}" },
    { names: "{0: 'a', 1: 'b'}", task: 'detect', author: 'Ultralytics', imgsz: '[64, 64]' },
  ),
})

describe('recognition of any graph', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'boxlet-graphs-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('ends in a conclusion that the run bears out, or in a refusal', async () => {
    let concluded = 0
    let count = 0
    await fc.assert(
      fc.asyncProperty(graph, async ({ input, inputName, outputs, metadata }) => {
        const sized = outputs.filter(({ dims }) => dims.reduce((a, b) => a * b, 1) <= MAX_VALUES)
        fc.pre(sized.length > 0)
        const bytes = constantModel(
          [{ name: inputName, shape: input }],
          sized.map(({ name, type, dims, named, isDeclared, fill }) => ({
            name,
            type,
            shape: dims,
            values: new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(
              type === 'float32' ? fill : Math.trunc(fill),
            ),
            declares: isDeclared ? dims.map((edge, i) => (named[i] ? `axis${i}` : edge)) : null,
          })),
          metadata,
        )
        const path = join(folder, `graph${count++}.onnx`)
        await writeFile(path, bytes)
        let detector: Detector
        try {
          detector = await Detector.load(path, { threads: 1 })
        } catch (error) {
          expect(error).toBeInstanceOf(BoxletError)
          expect((error as BoxletError).code).toMatch(/^(MODEL_|CONTRACT_INVALID)/)
          return
        }
        concluded++
        try {
          const data = new Uint8Array(96 * 48 * 3).fill(128)
          const { detections } = await detector.detect({ width: 96, height: 48, data })
          for (const { score, box } of detections) {
            expect(score).toBeGreaterThanOrEqual(0)
            expect(score).toBeLessThanOrEqual(1.01)
            expect(box.x1 >= 0 && box.y1 >= 0 && box.x2 <= 96 && box.y2 <= 48).toBe(true)
          }
        } catch (error) {
          // Values of chance may be no scores or boxes; that is said, and is not the same as boxes that are wrong.
          expect(error).toMatchObject({
            code: 'MODEL_OUTPUT',
            message: expect.stringMatching(/scores|boxes/),
          })
        } finally {
          await detector.dispose()
        }
      }),
      { numRuns: 300, seed: 13 },
    )
    expect(concluded).toBeGreaterThan(0)
  }, 120_000)
})
