import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { corpusBytes, hasCorpus } from '../../test/corpus.ts'
import type { Candidates } from '../boxes/detection.ts'
import { recognise } from '../families/recognise.ts'
import { familyNamed } from '../families/registry.ts'
import { openSession } from '../runtime/session.ts'
import type { Contract } from './contract.ts'
import { readOnnx } from './onnx/reader.ts'
import { type PreparedModel, prepareModel } from './prepare.ts'
import { resolveModel } from './store.ts'
import type { Tensor } from './tensor.ts'
import { type HeadVariant, random, tinyYolov8 } from './yolov8-head.fixture.ts'

const contractOf = (bytes: Uint8Array): Contract => recognise(readOnnx(bytes), 'model').contract

/** What a graph gives for a picture of random blocks, read by the family of its contract. */
async function candidates(
  bytes: Uint8Array,
  contract: Contract,
  size: { width: number; height: number },
  minScore: number,
): Promise<Candidates> {
  const outputs = await run(bytes, contract, size)
  const roles: Record<string, Tensor> = {}
  for (const [role, name] of Object.entries(contract.output.roles)) roles[role] = outputs.get(name) as Tensor
  const letterbox = { image: size, input: size, content: size, padX: 0, padY: 0, scaleX: 1, scaleY: 1 }
  return familyNamed(contract.family).decode(roles, { contract, letterbox, minScore, maxCandidates: 30_000 })
}

async function run(
  bytes: Uint8Array,
  contract: Contract,
  { width, height }: { width: number; height: number },
) {
  const session = await openSession(bytes, { threads: 1 })
  try {
    const { name, mean, std } = contract.input
    const data = new Float32Array(3 * width * height)
    const next = random(3)
    const shades = Array.from({ length: 4096 }, next)
    for (let at = 0; at < data.length; at++) {
      const plane = Math.floor(at / (width * height))
      const [x, y] = [at % width, Math.floor(at / width) % height]
      const shade = shades[((x >> 5) * 131 + (y >> 4) * 17 + plane * 7) % 4096] as number
      data[at] = (shade * 255 - (mean[plane] as number)) / (std[plane] as number)
    }
    return await session.run(new Map([[name, { type: 'float32', dims: [1, 3, height, width], data }]]))
  } finally {
    await session.release()
  }
}

function expectSame(a: Candidates, b: Candidates): void {
  expect(a.count).toBeGreaterThan(0)
  expect(b.count).toBe(a.count)
  expect(b.classIds).toEqual(a.classIds)
  for (let at = 0; at < a.boxes.length; at++)
    expect(Math.abs((a.boxes[at] as number) - (b.boxes[at] as number))).toBeLessThan(0.05)
  for (let at = 0; at < a.count; at++)
    expect(Math.abs((a.scores[at] as number) - (b.scores[at] as number))).toBeLessThan(1e-4)
}

const SPLIT: HeadVariant = { parts: 'split', sides: 'split', half: 'div' }

describe('cutting YOLOv8 heads', () => {
  const size = { width: 64, height: 64 }

  it.each<[string, HeadVariant]>([
    ['Split', SPLIT],
    ['Slice', { parts: 'slice', sides: 'slice', half: 'div' }],
    ['boxes and classes apart', { parts: 'apart', sides: 'split', half: 'mul' }],
  ])('gives the same candidates for a head with %s', async (_, variant) => {
    const bytes = tinyYolov8(variant)
    const contract = contractOf(bytes)
    const prepared = prepareModel(bytes, contract) as PreparedModel
    expect(prepared.contract).toMatchObject({ family: 'yolov8-raw', input: { dynamic: { stride: 32 } } })
    const original = await candidates(bytes, contract, size, 0.3)
    expectSame(original, await candidates(prepared.bytes, prepared.contract, size, 0.3))
  })

  it('takes other sizes then, each row as the square input has it', async () => {
    const bytes = tinyYolov8(SPLIT)
    const prepared = prepareModel(bytes, contractOf(bytes)) as PreparedModel
    const wide = await run(prepared.bytes, prepared.contract, { width: 96, height: 32 })
    expect(wide.get(prepared.contract.output.roles.scores8 as string)?.dims).toEqual([1, 3, 4, 12])
  })

  it.each(['anchors', 'strides', 'bins', 'axis', 'size', 'perm'] as const)(
    'leaves a head with other %s alone',
    (fault) => {
      const bytes = tinyYolov8({ ...SPLIT, fault })
      expect(prepareModel(bytes, contractOf(bytes))).toBeUndefined()
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

  it('does nothing for contracts of other families', () => {
    const bytes = tinyYolov8(SPLIT)
    expect(prepareModel(bytes, { ...contractOf(bytes), family: 'yolov5' })).toBeUndefined()
  })
})

describe.skipIf(!hasCorpus)('preparing real files', () => {
  const read = (name: string) => corpusBytes(`models/${name}.onnx`)

  it('gives the same candidates for YOLOX with one convolution for Focus', async () => {
    const bytes = read('yolox-nano')
    const contract = contractOf(bytes)
    const prepared = prepareModel(bytes, contract) as PreparedModel
    expect(prepared.edits).toHaveLength(2)
    expect(readOnnx(prepared.bytes).ops.Slice).toBeUndefined()
    const size = { width: 416, height: 416 }
    expectSame(
      await candidates(bytes, contract, size, 0.01),
      await candidates(prepared.bytes, prepared.contract, size, 0.01),
    )
    const wide = await run(prepared.bytes, prepared.contract, { width: 416, height: 320 })
    expect(wide.get('output')?.dims).toEqual([1, 52 * 40 + 26 * 20 + 13 * 10, 85])
  })

  it('takes weights out of the inputs and changes nothing else', async () => {
    const bytes = read('nanodet-m-320')
    const contract = contractOf(bytes)
    const prepared = prepareModel(bytes, contract) as PreparedModel
    expect(prepared.contract).toEqual(contract)
    const size = { width: 320, height: 320 }
    const [before, after] = [await run(bytes, contract, size), await run(prepared.bytes, contract, size)]
    for (const [name, { data }] of before) {
      const other = after.get(name)?.data as Float32Array
      ;(data as Float32Array).forEach((value, at) => {
        expect(Math.abs(value - (other[at] as number))).toBeLessThan(1e-3)
      })
    }
  })

  it.each(['yolov8n-640-int8-qdq', 'yolov8n-640-int8-dynamic', 'yolo26n-640-int8-end2end', 'fastestdet-352'])(
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
