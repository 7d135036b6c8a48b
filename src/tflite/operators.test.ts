/** Every converted operator against LiteRT, on small graphs made by test/python/tflite_goldens.py. */
import { readFileSync } from 'node:fs'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { BoxletError } from '../errors.ts'
import { CONVERSIONS } from './ops/registry.ts'
import { readGraph } from './reader.ts'
import { readTflite, tfliteToOnnx } from './tflite.ts'

interface Golden {
  name: string
  /** Base64 of the TFLite file. */
  model: string
  inputs: number[][]
  outputs: { shape: number[]; step: number; values: number[] }[]
}

/** A graph that has no conversion, and a part of what the error says. */
interface Refused {
  name: string
  model: string
  refused: string
}

const stored: (Golden | Refused)[] = JSON.parse(
  readFileSync(new URL('operators.golden.json', import.meta.url), 'utf8'),
)
const goldens = stored.filter((golden): golden is Golden => !('refused' in golden))
const fileOf = (golden: { model: string }): Uint8Array => new Uint8Array(Buffer.from(golden.model, 'base64'))

describe('each operator gives what LiteRT gives', () => {
  it.each(goldens.map((golden) => [golden.name, golden] as const))('%s', async (_, golden) => {
    const { bytes, signature } = tfliteToOnnx(fileOf(golden))
    const session = await InferenceSession.create(bytes, { logSeverityLevel: 4 })
    const feeds = Object.fromEntries(
      signature.inputs.map((input, place) => [
        input.name,
        tensorOf(input.type, golden.inputs[place]!, input.shape as number[]),
      ]),
    )
    const results = await session.run(feeds)
    for (const [place, expected] of golden.outputs.entries()) {
      const result = results[signature.outputs[place]!.name]!
      expect(result.dims).toEqual(expected.shape)
      const values = Array.from(result.data as Iterable<number | bigint | boolean>, Number)
      expect(values).toHaveLength(expected.values.length)
      const worst = Math.max(...values.map((value, index) => distance(value, expected.values[index]!)))
      // Codes may differ by one step where a value lies between two; floats only by the order of sums.
      expect(worst).toBeLessThanOrEqual(expected.step > 0 ? expected.step * 1.001 : 2e-5)
    }
    await session.release()
  })
})

describe('what has no conversion is refused by name, and still described', () => {
  const refusals = stored.filter((golden): golden is Refused => 'refused' in golden)
  it.each(refusals.map((refusal) => [refusal.name, refusal] as const))('%s', (_, refusal) => {
    const file = fileOf(refusal)
    const error = thrownBy(() => tfliteToOnnx(file))
    expect(error).toBeInstanceOf(BoxletError)
    expect(error).toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringContaining(refusal.refused),
    })
    const { inputs, ops, unconvertible } = readTflite(file)
    expect(unconvertible?.message).toContain(refusal.refused)
    expect(inputs.length).toBeGreaterThan(0)
    expect(Object.keys(ops)).toHaveLength(1)
  })
})

function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}

it('has a graph for every conversion', () => {
  const tested = new Set(
    goldens.flatMap((golden) => readGraph(fileOf(golden)).operators.map(({ name }) => name)),
  )
  const untested = Object.keys(CONVERSIONS).filter((name) => !tested.has(name))
  // SHAPE and RANK become constants, which no operator of LiteRT's test graphs hands on; DENSIFY is done by the
  // reader, and tested with the sparse files of MediaPipe.
  expect(untested).toEqual(['SHAPE', 'RANK', 'DENSIFY'])
})

const distance = (a: number, b: number): number => Math.abs(a - b) / Math.max(1, Math.abs(b))

function tensorOf(type: string, values: number[], dims: number[]): Tensor {
  if (type === 'bool') {
    return new Tensor('bool', Uint8Array.from(values), dims)
  }
  if (type === 'int32') {
    return new Tensor('int32', Int32Array.from(values), dims)
  }
  if (type === 'uint8') {
    return new Tensor('uint8', Uint8Array.from(values), dims)
  }
  if (type === 'int16') {
    return new Tensor('int16', Int16Array.from(values), dims)
  }
  if (type === 'int8') {
    return new Tensor('int8', Int8Array.from(values), dims)
  }
  return new Tensor('float32', Float32Array.from(values), dims)
}
