import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { corpusPath, hasCorpus } from '../../../test/support/corpus.ts'
import { tinyYolox } from '../../../test/support/tiny-yolox.ts'
import { tinyYolov8 } from '../../../test/support/yolov8-head.ts'
import { place } from '../../detector/pipeline.ts'
import { recognise } from '../../families/recognise.ts'
import { parseModel } from '../../onnx/read/parse.ts'
import { readOnnx } from '../../onnx/read/reader.ts'
import { prepareModel, withoutFocus } from '../../prepare/prepare.ts'
import { readDraft } from '../graph/read-draft.ts'
import { openData } from '../measure/data.ts'
import { outputDifference } from '../measure/difference.ts'
import { bundledPictures } from '../measure/pictures.ts'
import { applyPasses } from '../simplify/simplify.ts'
import { openSource } from '../source.ts'
import { calibrate, noStatistics, type Statistics } from './calibrate.ts'
import { type Calibrated, quantized } from './candidate.ts'
import { refuseQuantized } from './given.ts'
import { correctBias } from './qdq.ts'
import { RANGE_METHODS, rangeOf, scalingOf } from './ranges.ts'
import { findRegion, valuesOf } from './region.ts'
import { CalibrationState } from './state.ts'

const folder = await mkdtemp(join(tmpdir(), 'boxlet-quantize-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

async function calibrated(
  bytes: Uint8Array,
  statistics: Statistics = noStatistics(),
  options: { signal?: AbortSignal; onPicture?: (done: number, statistics: Statistics) => Promise<void> } = {},
): Promise<Calibrated> {
  const { contract } = recognise(readOnnx(bytes), 'tiny')
  const draft = readDraft(withoutFocus(bytes, contract)?.bytes ?? bytes)
  await applyPasses(draft, contract)
  const region = findRegion(draft)
  const pictures = (await bundledPictures()).map((picture) => async () => place(picture, contract))
  const inputs = [...new Set(region.nodes.filter(({ op }) => op === 'Conv').map((node) => node.inputs[0]!))]
  await calibrate(draft, contract, pictures, statistics, {
    values: valuesOf(region, draft),
    inputs,
    ...options,
  })
  return { draft, region, statistics, contract }
}

const yolov8 = tinyYolov8({ parts: 'split', sides: 'split', half: 'div' })
const yolox = tinyYolox(['a', 'b', 'c'])

describe('a quantized file', () => {
  it.each([
    ['YOLOv8', yolov8],
    ['YOLOX', yolox],
  ])('of %s has whole numbers before the last layers and floats from there on', async (_, bytes) => {
    const at = await calibrated(bytes)
    const after = quantized(at, { method: 'minmax', floatParts: 0 })
    const { graph } = parseModel(after)
    const made = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node.op] as const)))
    const convolutions = graph.nodes.filter(({ op }) => op === 'Conv')
    const whole = convolutions.filter(({ inputs }) => made.get(inputs[1]!) === 'DequantizeLinear')
    expect(whole.length).toBe(at.region.nodes.filter(({ op }) => op === 'Conv').length - at.region.last.size)
    for (const node of convolutions.filter((one) => !whole.includes(one))) {
      // Between a pair of these the runtime would quantize a float convolution for the whole tensor, in silence.
      const readers = graph.nodes.filter(({ inputs }) => inputs.includes(node.outputs[0]!))
      expect(readers.every(({ op }) => op !== 'QuantizeLinear')).toBe(true)
    }
    expect(readOnnx(after).quantization).toBe('qdq')
    expect(after.length).toBeLessThan(bytes.length)
    const [difference] = await outputDifference(bytes, after, at.contract, await bundledPictures())
    expect(difference?.largest).toBeLessThan(1)
  })

  it.each([
    ['YOLOv8', yolov8, 'yolov8-raw'],
    ['YOLOX', yolox, 'yolox'],
  ])('of %s takes bytes of any shape, with boxes outside the graph', async (_, bytes, family) => {
    const at = await calibrated(bytes)
    const after = quantized(at, { method: 'mse', floatParts: 0 })
    const { contract } = recognise(readOnnx(after), 'tiny')
    const prepared = prepareModel(after, contract)
    expect(prepared?.contract).toMatchObject({
      family,
      input: { dtype: 'uint8', layout: 'NHWC', colour: 'RGB', dynamic: { stride: 32 } },
    })
    const same = { ...at.contract, input: { ...at.contract.input } }
    const [direct] = await outputDifference(after, after, same, await bundledPictures())
    expect(direct?.largest).toBe(0)
    expect(parseModel(prepared!.bytes).graph.nodes.filter(({ op }) => op === 'Cast')).toEqual([])
  })

  it('keeps the picture float where its first parts are', async () => {
    const at = await calibrated(yolox)
    const after = quantized(at, { method: 'percentile', floatParts: 3 })
    const first = parseModel(after).graph.nodes.find(({ inputs }) => inputs[0] === at.contract.input.name)
    expect(first?.op).toBe('Conv')
    expect(prepareModel(after, at.contract)?.contract.input.dtype).toBe('uint8')
  })
})

describe('calibration', () => {
  it('stops between pictures, and goes on from there to the same numbers', async () => {
    const whole = await calibrated(yolox)
    const state = new CalibrationState(folder, 'key')
    const stop = new AbortController()
    const first = calibrated(yolox, await state.read(), {
      signal: stop.signal,
      async onPicture(done, statistics) {
        if (done === 4) {
          await state.save(statistics)
          stop.abort()
        }
      },
    })
    await expect(first).rejects.toMatchObject({ code: 'ABORTED' })
    const kept = await state.read()
    expect(kept).toMatchObject({ ranged: 3, counted: 1 })
    const done: number[] = []
    const second = await calibrated(yolox, kept, {
      onPicture: async (count) => {
        done.push(count)
      },
    })
    expect(done).toEqual([5, 6])
    expect(second.statistics).toEqual(whole.statistics)
    await state.remove()
    expect(await state.read()).toEqual(noStatistics())
  })

  it('says so when no picture can be decoded', async () => {
    const { contract } = recognise(readOnnx(yolox), 'tiny')
    const draft = readDraft(yolox)
    const region = findRegion(draft)
    const work = calibrate(draft, contract, [async () => undefined], noStatistics(), {
      values: valuesOf(region, draft),
      inputs: [],
    })
    await expect(work).rejects.toMatchObject({ code: 'DATASET_INVALID' })
  })
})

describe('ranges', () => {
  it('take zero in, so that padding is exact', () => {
    expect(scalingOf(3, 10)).toEqual({ scale: Math.fround(10 / 255), zeroPoint: 0 })
    const { scale, zeroPoint } = scalingOf(-1, 4)
    expect([zeroPoint, (255 - zeroPoint) * scale]).toEqual([51, expect.closeTo(4, 5)])
    expect(scalingOf(0, 0)).toEqual({ scale: 1, zeroPoint: 0 })
  })

  it.each(RANGE_METHODS)('by %s keep all of a flat distribution', (method) => {
    const counts = new Float64Array(2048).fill(100)
    expect(rangeOf({ low: 0, high: 1, counts }, method).scale * 255).toBeCloseTo(1, 1)
  })

  it('leave a lonely value out, except min and max', () => {
    const counts = new Float64Array(2048).fill(0)
    counts.fill(1_000_000, 0, 200)
    counts[2047] = 1
    const of = (method: (typeof RANGE_METHODS)[number]) =>
      rangeOf({ low: 0, high: 100, counts }, method).scale * 255
    expect(of('minmax')).toBeCloseTo(100, 4)
    expect(of('percentile')).toBeLessThan(11)
    expect(of('mse')).toBeLessThan(40)
  })

  it('correct a bias by what rounding adds to the mean, group by group', () => {
    const weights = Float32Array.of(0.5, 0.5, 0.5, 0.5)
    const codes = Int8Array.of(1, 1, 0, 0)
    const corrected = correctBias(
      Float32Array.of(0, 0),
      weights,
      codes,
      Float32Array.of(1, 1),
      Float64Array.of(2, 4),
      2,
    )
    // Two groups of one channel with kernels of two: 2 · 0.5 · 2 too much, 2 · 0.5 · 4 too little.
    expect([...corrected]).toEqual([-2, 4])
  })
})

describe.skipIf(!hasCorpus)('a file that is quantized already', () => {
  it.each([
    ['yolov8n-640-int8-qdq', /quantized already, with fixed ranges \(QDQ\)/],
    ['yolov8n-640-int8-qdq-dead-scores', /scores are dead/],
    ['deimv2-atto-320-int8', /dynamically/],
  ])('is told: %s', async (name, message) => {
    const source = await openSource(corpusPath(`models/${name}.onnx`), {})
    const data = await openData(corpusPath('coco'), {})
    const images = data.images.slice(0, 4)
    await expect(refuseQuantized(source, { ...data, images })).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/^Export the float model again/),
    })
  })
})
