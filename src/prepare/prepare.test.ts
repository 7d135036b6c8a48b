import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { corpusBytes, hasCorpus } from '../../test/support/corpus.ts'
import { type HeadVariant, random, tinyYolov8 } from '../../test/support/yolov8-head.ts'
import type { Size } from '../boxes/box.ts'
import type { Candidates } from '../boxes/detection.ts'
import { pictureDims } from '../detector/feeds.ts'
import type { RgbImage } from '../detector/types.ts'
import { recognise } from '../families/recognise.ts'
import { familyNamed } from '../families/registry.ts'
import { toTensor } from '../image/tensor.ts'
import type { Contract } from '../model/contract.ts'
import type { Tensor } from '../model/tensor.ts'
import { readOnnx } from '../onnx/read/reader.ts'
import { openSession } from '../runtime/session.ts'
import { resolveModel } from '../store/store.ts'
import { type PreparedModel, prepareModel } from './prepare.ts'

const contractOf = (bytes: Uint8Array): Contract => recognise(readOnnx(bytes), 'model').contract

/** What a graph gives for a picture of random blocks, read by the family of its contract. */
async function candidates(
  bytes: Uint8Array,
  contract: Contract,
  size: Size,
  minScore: number,
): Promise<Candidates> {
  const outputs = await run(bytes, contract, size)
  const roles: Record<string, Tensor> = {}
  for (const [role, name] of Object.entries(contract.output.roles)) {
    roles[role] = outputs.get(name) as Tensor
  }
  return familyNamed(contract.family).decode(roles, {
    contract,
    letterbox: whole(size),
    minScore,
  })
}

async function run(bytes: Uint8Array, contract: Contract, size: Size) {
  const session = await openSession(bytes, { threads: 1 })
  try {
    const picture = blocks(size)
    const data = toTensor(picture, whole(size), contract.input)
    const dims = pictureDims(contract.input.layout, size, 1)
    return await session.run(new Map([[contract.input.name, { type: contract.input.dtype, dims, data }]]))
  } finally {
    await session.release()
  }
}

/** A picture of random blocks: its edges are what a detector finds things in. */
function blocks({ width, height }: Size): RgbImage {
  const next = random(3)
  const shades = Array.from({ length: 4096 }, () => Math.floor(next() * 256))
  const data = Uint8Array.from({ length: 3 * width * height }, (_, at) => {
    const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width)]
    return shades[((x >> 5) * 131 + (y >> 4) * 17 + (at % 3) * 7) % 4096] as number
  })
  return { width, height, data }
}

const whole = (size: Size) => ({
  image: size,
  input: size,
  content: size,
  padX: 0,
  padY: 0,
  scaleX: 1,
  scaleY: 1,
})

function expectSame(a: Candidates, b: Candidates): void {
  expect(a.count).toBeGreaterThan(0)
  expect(b.count).toBe(a.count)
  expect(b.classIds).toEqual(a.classIds)
  for (let at = 0; at < a.boxes.length; at++) {
    expect(Math.abs((a.boxes[at] as number) - (b.boxes[at] as number))).toBeLessThan(0.05)
  }
  for (let at = 0; at < a.count; at++) {
    expect(Math.abs((a.scores[at] as number) - (b.scores[at] as number))).toBeLessThan(1e-4)
  }
}

const SPLIT: HeadVariant = { parts: 'split', sides: 'split', half: 'div' }

describe('cutting YOLOv8 heads', () => {
  const size = { width: 64, height: 64 }

  it.each<[string, HeadVariant]>([
    ['Split', SPLIT],
    ['Slice', { parts: 'slice', sides: 'slice', half: 'div' }],
    ['bins last', { ...SPLIT, softmax: 'last' }],
    ['boxes and classes apart', { parts: 'apart', sides: 'split', half: 'mul' }],
  ])('gives the same candidates for a head with %s', async (_, variant) => {
    const bytes = tinyYolov8(variant)
    const contract = contractOf(bytes)
    const prepared = prepareModel(bytes, contract) as PreparedModel
    expect(prepared.contract).toMatchObject({ family: 'yolov8-raw', input: { dynamic: { stride: 32 } } })
    const original = await candidates(bytes, contract, size, 0.3)
    expectSame(original, await candidates(prepared.bytes, prepared.contract, size, 0.3))
  })

  it.each<[string, HeadVariant]>([
    ['convolutions', SPLIT],
    ['attention', { ...SPLIT, attention: true }],
  ])('takes other sizes then, as if exported for them: %s', async (_, variant) => {
    const bytes = tinyYolov8(variant)
    const prepared = prepareModel(bytes, contractOf(bytes)) as PreparedModel
    expect(prepared.contract.input.dynamic).toEqual({ stride: 32 })
    for (const other of [
      { width: 96, height: 64 },
      { width: 32, height: 128 },
    ]) {
      const exported = tinyYolov8(variant, other)
      expectSame(
        await candidates(exported, contractOf(exported), other, 0.3),
        await candidates(prepared.bytes, prepared.contract, other, 0.3),
      )
    }
  })

  it.each(['anchors', 'strides', 'bins', 'axis', 'size', 'perm'] as const)(
    'leaves a head with other %s in the graph',
    async (fault) => {
      const bytes = tinyYolov8({ ...SPLIT, fault })
      const contract = contractOf(bytes)
      const prepared = prepareModel(bytes, contract) as PreparedModel
      expect(prepared.contract.output).toEqual(contract.output)
      expect(prepared.contract.input.dynamic).toBeUndefined()
      expectSame(
        await candidates(bytes, contract, size, 0.3),
        await candidates(prepared.bytes, prepared.contract, size, 0.3),
      )
    },
  )

  it('keeps the size fixed where the body has it written in', async () => {
    const bytes = tinyYolov8({ ...SPLIT, fixedBody: true })
    const contract = contractOf(bytes)
    const prepared = prepareModel(bytes, contract) as PreparedModel
    expect(prepared.contract.family).toBe('yolov8-raw')
    expect(prepared.contract.input.dynamic).toBeUndefined()
    expectSame(
      await candidates(bytes, contract, size, 0.3),
      await candidates(prepared.bytes, prepared.contract, size, 0.3),
    )
  })

  it('keeps the size fixed where pictures are stretched', () => {
    const bytes = tinyYolov8(SPLIT)
    const contract = contractOf(bytes)
    const geometry = { ...contract.input.geometry, fit: 'stretch' as const }
    const prepared = prepareModel(bytes, { ...contract, input: { ...contract.input, geometry } })
    expect(prepared?.contract.input.dynamic).toBeUndefined()
  })

  it('does not cut for contracts of other families', () => {
    const bytes = tinyYolov8(SPLIT)
    const contract = { ...contractOf(bytes), family: 'yolov5' }
    expect(prepareModel(bytes, contract)?.contract.output).toEqual(contract.output)
  })

  it('normalises outside where a mean is taken away', () => {
    const bytes = tinyYolov8({ ...SPLIT, fault: 'bins' })
    const contract = contractOf(bytes)
    const input = { ...contract.input, mean: [1, 2, 3] as [number, number, number] }
    expect(prepareModel(bytes, { ...contract, input })).toBeUndefined()
  })
})

describe.skipIf(!hasCorpus)('preparing real files', () => {
  const read = (name: string) => corpusBytes(`models/${name}.onnx`)

  it('gives the same candidates for YOLOX with one convolution for Focus', async () => {
    const bytes = read('yolox-nano')
    const contract = contractOf(bytes)
    const prepared = prepareModel(bytes, contract) as PreparedModel
    expect(prepared.edits).toHaveLength(3)
    expect(prepared.contract.input).toMatchObject({ dtype: 'uint8', layout: 'NHWC', colour: 'RGB' })
    expect(readOnnx(prepared.bytes).ops.Slice).toBeUndefined()
    const size = { width: 416, height: 416 }
    expectSame(
      await candidates(bytes, contract, size, 0.01),
      await candidates(prepared.bytes, prepared.contract, size, 0.01),
    )
    const wide = await run(prepared.bytes, prepared.contract, { width: 416, height: 320 })
    expect(wide.get('output')?.dims).toEqual([1, 52 * 40 + 26 * 20 + 13 * 10, 85])
  })

  it.each([
    ['nanodet-m-320', 320, 320],
    ['nanodet-m-416-int8-qoperator', 416, 416],
    ['picodet-s-320', 320, 320],
    ['ultraface-rfb-320', 320, 240],
  ])('takes the weights of %s out of the inputs and changes nothing else', async (name, width, height) => {
    const bytes = read(name)
    const contract = contractOf(bytes)
    const prepared = prepareModel(bytes, contract) as PreparedModel
    expect(prepared.contract).toEqual(contract)
    expectSame(
      await candidates(bytes, contract, { width, height }, 0.01),
      await candidates(prepared.bytes, contract, { width, height }, 0.01),
    )
  })

  it.each([
    ['fastestdet-352', 352, 352],
    ['fastestdet-512-flat', 512, 512],
    ['yolo-fastestv2-352', 352, 352],
    ['yunet-n-dynamic', 320, 256],
  ])('gives the same candidates for %s from plain pixels', async (name, width, height) => {
    const bytes = read(name)
    const contract = contractOf(bytes)
    const prepared = prepareModel(bytes, contract) as PreparedModel
    expect(prepared.contract.input.dtype).toBe('uint8')
    const size = { width, height }
    expectSame(
      await candidates(bytes, contract, size, 0.01),
      await candidates(prepared.bytes, prepared.contract, size, 0.01),
    )
  })

  it('feeds bytes to a quantized file whose codes are the pixels, and changes nothing else', async () => {
    const bytes = read('yolov8n-640-int8-qdq')
    const contract = contractOf(bytes)
    const prepared = prepareModel(bytes, contract) as PreparedModel
    expect(prepared.contract.input).toMatchObject({ dtype: 'uint8', layout: 'NHWC' })
    expect(prepared.contract.output).toEqual(contract.output)
    const size = { width: 640, height: 640 }
    expectSame(
      await candidates(bytes, contract, size, 0.01),
      await candidates(prepared.bytes, prepared.contract, size, 0.01),
    )
  })

  it.each(['yolov8n-640-int8-dynamic', 'yolo26n-640-int8-end2end', 'deimv2-atto-320'])(
    'leaves %s as it is',
    (name) => {
      const bytes = read(name)
      expect(prepareModel(bytes, contractOf(bytes))).toBeUndefined()
    },
  )
})

const cached = await resolveModel('yolov8n', { env: { ...process.env, BOXLET_OFFLINE: '1' } }).catch(
  () => undefined,
)

describe.skipIf(cached === undefined)('preparing the default model', () => {
  it('gives the same candidates, and no copy of the decoding remains', async () => {
    const bytes = new Uint8Array(readFileSync(cached?.path ?? ''))
    const contract = contractOf(bytes)
    const prepared = prepareModel(bytes, contract) as PreparedModel
    expect(readOnnx(prepared.bytes).ops.Softmax).toBeUndefined()
    expect(readOnnx(prepared.bytes).metadata).toEqual(readOnnx(bytes).metadata)
    const size = { width: 640, height: 640 }
    expectSame(
      await candidates(bytes, contract, size, 0.001),
      await candidates(prepared.bytes, prepared.contract, size, 0.001),
    )
  })
})
