import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadTestDetector, singleDetector, type TestApp, testApp } from '../../../../test/support/app.ts'
import type { Detector } from '../../../detector/detector.ts'

const SIZE = 416
const ELEMENTS = 3 * SIZE * SIZE

describe('the open inference protocol', () => {
  let detector: Detector
  let raw: Detector
  let test: TestApp
  const input = Float32Array.from({ length: ELEMENTS }, (_, i) => (i * 37) % 255)
  const bytes = new Uint8Array(input.buffer)

  beforeAll(async () => {
    ;[detector, raw] = await Promise.all([loadTestDetector(), loadTestDetector({ asIs: true })])
    test = testApp(singleDetector(detector, raw))
  })
  afterAll(async () => {
    await detector?.dispose()
    await raw?.dispose()
  })

  const tensor = (more: object = {}) => ({
    name: 'images',
    shape: [1, 3, SIZE, SIZE],
    datatype: 'FP32',
    ...more,
  })
  const infer = (body: string | Blob, headers: Record<string, string> = {}) =>
    test.send('/v2/models/tiny/infer', { method: 'POST', body, headers })
  const inferJson = (body: unknown) => infer(JSON.stringify(body))

  /** JSON, then the bytes of the tensors. */
  const binary = (json: unknown, ...parts: Uint8Array[]) => {
    const header = new TextEncoder().encode(JSON.stringify(json))
    const length = { 'inference-header-content-length': String(header.byteLength) }
    return infer(new Blob([header, ...(parts as Uint8Array<ArrayBuffer>[])]), length)
  }

  it('tells about the server and the model', async () => {
    expect(await (await test.send('/v2')).json()).toMatchObject({
      name: 'boxlet',
      extensions: ['binary_tensor_data'],
    })
    expect(await (await test.send('/v2/health/live')).json()).toEqual({ live: true })
    expect(await (await test.send('/v2/health/ready')).json()).toEqual({ ready: true })
    for (const path of ['/v2/models/tiny', '/v2/models/tiny/versions/1']) {
      expect(await (await test.send(path)).json()).toEqual({
        name: 'tiny',
        versions: ['1'],
        platform: 'onnx_onnxv1',
        inputs: [{ name: 'images', datatype: 'FP32', shape: [1, 3, SIZE, SIZE] }],
        outputs: [{ name: 'output', datatype: 'FP32', shape: [1, 3549, 85] }],
      })
    }
    expect(await (await test.send('/v2/models/tiny/ready')).json()).toEqual({ name: 'tiny', ready: true })
    const missing = await test.send('/v2/models/other')
    expect([missing.status, Object.keys((await missing.json()) as object)]).toEqual([404, ['error']])
    expect((await test.send('/v2/models/tiny/versions/2')).status).toBe(404)
  })

  it('gives what the model itself gives, whether tensors come as JSON or as bytes', async () => {
    const direct = (
      await raw.infer(new Map([['images', { type: 'float32', dims: [1, 3, SIZE, SIZE], data: input }]]))
    ).get('output')
    const expected = direct?.data as Float32Array
    const flat = await inferJson({ id: 'a1', inputs: [tensor({ data: Array.from(input) })] })
    const answer = (await flat.json()) as {
      id: string
      outputs: [{ name: string; shape: number[]; data: number[] }]
    }
    expect(answer).toMatchObject({
      id: 'a1',
      model_name: 'tiny',
      outputs: [{ name: 'output', shape: [1, 3549, 85] }],
    })
    expect(Float32Array.from(answer.outputs[0].data)).toEqual(expected)

    const sent = await binary(
      {
        inputs: [tensor({ parameters: { binary_data_size: bytes.byteLength } })],
        outputs: [{ name: 'output', parameters: { binary_data: true } }],
      },
      bytes,
    )
    const length = Number(sent.headers.get('inference-header-content-length'))
    const body = await sent.arrayBuffer()
    const header = JSON.parse(new TextDecoder().decode(body.slice(0, length)))
    expect(header.outputs[0].parameters).toEqual({ binary_data_size: expected.byteLength })
    expect(new Float32Array(body.slice(length))).toEqual(expected)
  })

  it('takes nested data', async () => {
    const rows = Array.from({ length: SIZE }, () => Array(SIZE).fill(114))
    expect((await inferJson({ inputs: [tensor({ data: [[rows, rows, rows]] })] })).status).toBe(200)
  })

  it.each([
    ['no inputs', { inputs: [] }],
    ['an unknown input', { inputs: [{ name: 'x', shape: [1], datatype: 'FP32', data: [1] }] }],
    ['an input twice', { inputs: [tensor({ data: [] }), tensor({ data: [] })] }],
    ['another datatype', { inputs: [tensor({ datatype: 'INT8', data: [] })] }],
    ['another shape', { inputs: [tensor({ shape: [1, 3, 8, 8], data: [] })] }],
    ['another rank', { inputs: [tensor({ shape: [ELEMENTS], data: [] })] }],
    ['too few values', { inputs: [tensor({ data: [1, 2] })] }],
    ['values that are no numbers', { inputs: [tensor({ data: Array(ELEMENTS).fill('1') })] }],
    ['no data', { inputs: [tensor()] }],
    ['negative sizes', { inputs: [tensor({ parameters: { binary_data_size: -1 } })] }],
    ['sizes beyond the body', { inputs: [tensor({ parameters: { binary_data_size: 1e9 } })] }],
    ['a huge shape', { inputs: [tensor({ shape: [2 ** 40, 2 ** 40], data: [] })] }],
    ['an unknown output', { inputs: [tensor({ data: Array(ELEMENTS).fill(0) })], outputs: [{ name: 'x' }] }],
  ])('refuses %s', async (_what, body) => {
    const response = await inferJson(body)
    expect(response.status).toBe(400)
    expect(Object.keys((await response.json()) as object)).toEqual(['error'])
  })

  it('says which member has another form', async () => {
    for (const [body, error] of [
      [{}, 'Expected a value for inputs but received none.'],
      [{ inputs: [tensor({ data: 'x' })] }, 'Expected a list for inputs.0.data but received "x".'],
      [
        { inputs: [tensor({ shape: [-1], data: [] })] },
        'Expected at least 0 for inputs.0.shape.0 but received -1.',
      ],
    ] as const) {
      expect(await (await inferJson(body)).json()).toEqual({ error })
    }
    expect((await infer('{}', { 'inference-header-content-length': '' })).status).toBe(400)
  })

  it('refuses bytes that do not fit the shape, and bytes left over', async () => {
    const short = bytes.subarray(0, 16)
    expect((await binary({ inputs: [tensor({ parameters: { binary_data_size: 16 } })] }, short)).status).toBe(
      400,
    )
    const whole = { inputs: [tensor({ parameters: { binary_data_size: bytes.byteLength } })] }
    expect((await binary(whole, bytes, short)).status).toBe(400)
    expect((await infer('{}', { 'inference-header-content-length': '99' })).status).toBe(400)
  })
})
