import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadTestDetector, singleDetector, type TestApp, testApp } from '../../../test/support/app.ts'
import { faultsByName } from '../../../test/support/openapi.ts'
import { streetBytes } from '../../../test/support/street.ts'
import type { Detector } from '../../detector/detector.ts'
import { BoxletError } from '../../errors.ts'
import type { NativeReport } from '../../formats/native.ts'
import type { ComponentName } from '../openapi/components.ts'

const bus = () => streetBytes
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')

/** Holds an answer against the schema that the OpenAPI document gives for it. */
const conforms = (name: ComponentName, value: unknown): void => expect(faultsByName(name, value)).toEqual([])

describe('POST /v1/detect', () => {
  let detector: Detector
  let test: TestApp
  const asked: { url: string; bytes: Uint8Array }[] = []

  beforeAll(async () => {
    detector = await loadTestDetector()
    test = testApp(singleDetector(detector), {
      fetchPicture: async (url) => {
        if (url.includes('refused')) {
          throw new BoxletError('URL_REFUSED', 'Expected another address.')
        }
        asked.push({ url, bytes: bus() })
        return bus()
      },
      blobStore: {
        get: async ({ bucket, key }) => {
          if (bucket !== 'photos' || key !== 'a/bus.jpg') {
            throw new BoxletError(
              'IMAGE_NOT_FOUND',
              'Expected an object of that bucket and key but there is none.',
            )
          }
          return bus()
        },
        put: async () => {},
      },
    })
  })
  afterAll(() => detector?.dispose())

  const detect = (init: RequestInit, query = '') =>
    test.send(`/v1/detect${query}`, { method: 'POST', ...init })
  const json = (body: unknown, query = '') =>
    detect({ body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }, query)
  const report = async (response: Response) => {
    const body = (await response.json()) as NativeReport
    expect(response.status, JSON.stringify(body)).toBe(200)
    conforms('Report', body)
    return body
  }
  const labels = (body: NativeReport, at = 0) => {
    const image = body.images[at]
    return image !== undefined && 'detections' in image ? image.detections.map(({ label }) => label) : []
  }
  const failure = async (response: Response) => {
    const body = (await response.json()) as { error: { code: string; message: string } }
    conforms('Error', body)
    return { status: response.status, code: body.error.code }
  }

  it('finds the same in a picture however it is sent', async () => {
    const form = new FormData()
    form.set('image', new Blob([bus()]), 'bus.jpg')
    const answers = await Promise.all([
      detect({ body: bus(), headers: { 'content-type': 'image/jpeg' } }),
      // What curl says of --data-binary.
      detect({ body: bus(), headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
      detect({ body: form }),
      json({ image: base64(bus()) }),
      json({ image: `data:image/jpeg;base64,${base64(bus())}` }),
      json({ url: 'https://pictures.example/bus.jpg' }),
      json({ s3: { bucket: 'photos', key: 'a/bus.jpg' } }),
      json({ s3: 's3://photos/a/bus.jpg' }),
      json({ images: [base64(bus())] }),
    ])
    const direct = await detector.detect(bus())
    for (const response of answers) {
      const body = await report(response)
      expect(body.images[0]).toMatchObject({ width: 810, height: 1080 })
      expect(labels(body)).toEqual(direct.detections.map(({ label }) => label))
    }
    expect(asked.map(({ url }) => url)).toEqual(['https://pictures.example/bus.jpg'])
  })

  it('takes options from the query, JSON and the form, in both spellings', async () => {
    const strict = ['bus', 'person']
    const form = new FormData()
    form.set('image', new Blob([bus()]), 'bus.jpg')
    form.set('minScore', '0.85')
    for (const response of await Promise.all([
      detect({ body: bus() }, '?minScore=0.85'),
      detect({ body: bus() }, '?min-score=0.85'),
      json({ image: base64(bus()), minScore: 0.85 }),
      detect({ body: form }),
    ])) {
      expect(labels(await report(response))).toEqual(strict)
    }
    expect(labels(await report(await detect({ body: bus() }, '?classes=bus')))).toEqual(['bus'])
    expect(labels(await report(await json({ image: base64(bus()), classes: [5] })))).toEqual(['bus'])
    expect(labels(await report(await detect({ body: bus() }, '?max=1')))).toEqual(['bus'])
    expect(
      labels(await report(await detect({ body: bus() }, '?slice=true&sliceSize=640'))).length,
    ).toBeGreaterThan(2)
  })

  it('answers several pictures in order, and one that fails beside those that do not', async () => {
    const body = await report(
      await json({
        images: [
          base64(bus()),
          { name: 'broken', image: base64(new Uint8Array([1, 2, 3])) },
          { s3: 's3://photos/none' },
        ],
      }),
    )
    expect(body.images.map(({ source }) => source)).toEqual(['images[0]', 'broken', 's3://photos/none'])
    expect(labels(body).length).toBeGreaterThan(2)
    expect(body.images[1]).toMatchObject({ error: { code: 'IMAGE_FORMAT' } })
    expect(body.images[2]).toMatchObject({ error: { code: 'IMAGE_NOT_FOUND' } })
  })

  it('draws the picture for Accept: image/*', async () => {
    for (const [accept, format] of [
      ['image/*', 'jpeg'],
      ['image/png', 'png'],
      ['image/webp', 'webp'],
      ['text/html, image/png;q=0.9, */*;q=0.1', 'png'],
    ] as const) {
      const response = await detect({ body: bus(), headers: { accept } })
      expect(response.headers.get('content-type')).toBe(`image/${format}`)
      expect(await sharp(Buffer.from(await response.arrayBuffer())).metadata()).toMatchObject({
        format,
        height: 1080,
      })
    }
  })

  it('says in words what is there for Accept: text/plain, and beside the boxes for altText', async () => {
    const words = await (await detect({ body: bus(), headers: { accept: 'text/plain' } })).text()
    expect(words).toMatch(/^A picture of .*bus.*people/)
    const body = await report(await detect({ body: bus() }, '?altText=true'))
    expect(body.images[0]).toMatchObject({ altText: words.trim() })
  })

  it.each([
    ['an empty body', {}, '', 400, 'REQUEST_INVALID'],
    ['text', { body: 'hello' }, '', 415, 'IMAGE_FORMAT'],
    [
      'JSON that is none',
      { body: '{', headers: { 'content-type': 'application/json' } },
      '',
      400,
      'REQUEST_INVALID',
    ],
    [
      'a JSON list',
      { body: '[]', headers: { 'content-type': 'application/json' } },
      '',
      400,
      'REQUEST_INVALID',
    ],
    [
      'a form that is none',
      { body: 'x', headers: { 'content-type': 'multipart/form-data; boundary=y' } },
      '',
      400,
      'REQUEST_INVALID',
    ],
    ['an unknown option', { body: 'x' }, '?minscore=1', 400, 'REQUEST_INVALID'],
    ['an option twice', { body: 'x' }, '?iou=1&iou=1', 400, 'REQUEST_INVALID'],
    ['an option out of range', { body: 'x' }, '?minScore=2', 400, 'REQUEST_INVALID'],
    ['an unknown model', { body: 'x' }, '?model=other', 404, 'MODEL_NOT_FOUND'],
    [
      'an Accept that is not offered',
      { body: 'x', headers: { accept: 'video/mp4' } },
      '',
      406,
      'REQUEST_INVALID',
    ],
  ])('refuses %s by name', async (_what, init, query, status, code) => {
    expect(await failure(await detect(init as RequestInit, query))).toEqual({ status, code })
  })

  it.each([
    [{}, 400, 'REQUEST_INVALID'],
    [{ images: [] }, 400, 'REQUEST_INVALID'],
    [{ images: 'x' }, 400, 'REQUEST_INVALID'],
    [{ image: 7 }, 400, 'REQUEST_INVALID'],
    [{ image: 'AAAA', url: 'https://x' }, 400, 'REQUEST_INVALID'],
    [{ image: '***' }, 400, 'REQUEST_INVALID'],
    [{ image: 'AAAA' }, 415, 'IMAGE_FORMAT'],
    [{ images: Array(17).fill('AAAA') }, 400, 'REQUEST_INVALID'],
    [{ image: 'AAAA', thresold: 1 }, 400, 'REQUEST_INVALID'],
    [{ url: 'https://refused.example' }, 400, 'URL_REFUSED'],
    [{ s3: { bucket: 'photos', key: 'none' } }, 422, 'IMAGE_NOT_FOUND'],
    [{ s3: 'photos/none' }, 400, 'REQUEST_INVALID'],
    [{ s3: { bucket: 'b' } }, 400, 'REQUEST_INVALID'],
  ])('refuses the JSON %j', async (body, status, code) => {
    expect(await failure(await json(body))).toEqual({ status, code })
  })

  const message = async (response: Response) => {
    const { error } = (await response.json()) as { error: { message: string; hint?: string } }
    expect(response.status, error.message).toBe(400)
    return `${error.message} ${error.hint ?? ''}`
  }

  it.each([
    'minScore',
    'iou',
    'max',
    'slice-size',
    'sliceOverlap',
    'tolerant',
    'everyClass',
    'alt-text',
    'slice',
  ])('refuses values of %s that are no number, or neither true nor false, by its name', async (option) => {
    const name = option.replace(/-(.)/, (_all, letter: string) => letter.toUpperCase())
    const saying = new RegExp(`^Expected .* for ${name} but received`)
    for (const value of ['', '%20', '0x1', 'null', '1,5', 'Infinity', '-1']) {
      expect(await message(await detect({ body: bus() }, `?${option}=${value}`))).toMatch(saying)
    }
    for (const value of [null, '', ' ', [], [0.5], '0x1']) {
      expect(await message(await json({ image: base64(bus()), [option]: value }))).toMatch(saying)
    }
    const form = new FormData()
    form.set('image', new Blob([bus()]), 'bus.jpg')
    form.set(option, '')
    expect(await message(await detect({ body: form }))).toMatch(saying)
  })

  it('takes no boolean for a number, and no number for a boolean', async () => {
    expect(await message(await json({ image: base64(bus()), minScore: true }))).toContain(
      'Expected a number from 0 to 1 for minScore but received true.',
    )
    expect(await message(await json({ image: base64(bus()), tolerant: 1 }))).toContain(
      'Expected true or false for tolerant but received 1.',
    )
    expect(await message(await json({ image: base64(bus()), slice: { size: '' } }))).toContain('slice.size')
    expect(await message(await detect({ body: bus() }, '?classes='))).toContain('classes')
  })

  it('takes numbers as text in JSON too, in any decimal notation', async () => {
    for (const minScore of ['0.85', '.85', '8.5e-1', 0.85]) {
      expect(labels(await report(await json({ image: base64(bus()), minScore })))).toEqual(['bus', 'person'])
    }
  })

  it('refuses an option given twice, in two spellings or two places', async () => {
    const form = new FormData()
    form.set('image', new Blob([bus()]), 'bus.jpg')
    form.append('minScore', '0.5')
    form.append('minScore', '0.9')
    for (const response of [
      await detect({ body: bus() }, '?minScore=0.5&min-score=0.9'),
      await detect({ body: bus() }, '?minScore=0.5&minScore=0.5'),
      await json({ image: base64(bus()), minScore: 0.5 }, '?min-score=0.9'),
      await detect({ body: form }),
    ]) {
      expect(await message(response)).toContain('Expected minScore once but received it twice.')
    }
    expect(await message(await detect({ body: bus() }, '?max=1&maxDetections=2'))).toContain('maxDetections')
  })

  it('names an unknown option, at a bounded length', async () => {
    expect(await message(await detect({ body: bus() }, '?thresold=1'))).toContain('"thresold"')
    expect((await message(await detect({ body: bus() }, `?${'x'.repeat(5000)}=1`))).length).toBeLessThan(300)
    expect(await message(await detect({ body: bus() }, '?__proto__=1'))).toContain('"__proto__"')
  })

  it('says that a file of a form needs a filename', async () => {
    const form = new FormData()
    form.set('image', 'bytes')
    expect(await message(await detect({ body: form }))).toContain('needs a filename')
  })

  it('keeps a fault in the base64 of one picture, or the want of a store, to that picture', async () => {
    const storeless = testApp(singleDetector(detector))
    const body = JSON.stringify({
      images: [{ image: '!!!' }, base64(bus()), { s3: 's3://photos/a/bus.jpg' }],
    })
    const headers = { 'content-type': 'application/json' }
    const answer = await report(await storeless.send('/v1/detect', { method: 'POST', body, headers }))
    expect(answer.images[0]).toMatchObject({ error: { code: 'REQUEST_INVALID' } })
    expect(labels(answer, 1).length).toBeGreaterThan(2)
    expect(answer.images[2]).toMatchObject({ error: { code: 'REQUEST_INVALID' } })
  })

  it('refuses a class that the model does not have', async () => {
    expect(await failure(await detect({ body: bus() }, '?classes=unicorn'))).toEqual({
      status: 400,
      code: 'USAGE',
    })
  })

  it('answers with an id, the times of the stages, and one record for the log', async () => {
    test.records.length = 0
    const response = await detect({ body: bus(), headers: { 'x-request-id': 'mine-1' } })
    expect(response.headers.get('x-request-id')).toBe('mine-1')
    expect(response.headers.get('server-timing')).toMatch(
      /decode;dur=[\d.]+.*run;dur=[\d.]+.*total;dur=[\d.]+/,
    )
    expect(test.records).toMatchObject([
      { requestId: 'mine-1', route: '/v1/detect', status: 200, model: 'tiny', pictures: 1, method: 'POST' },
    ])
    const odd = await detect({ body: bus(), headers: { 'x-request-id': 'a b"<script>' } })
    expect(odd.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('tells which methods a path takes', async () => {
    const response = await test.send('/v1/detect', { method: 'PUT' })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
  })

  it('lists models and shows their contract', async () => {
    const list = await (await test.send('/v1/models')).json()
    conforms('Models', list)
    const model = (await (await test.send('/v1/models/tiny')).json()) as { contract: { family: string } }
    conforms('Model', model)
    expect(model.contract.family).toBe('yolox')
    expect((await test.send('/v1/models/other')).status).toBe(404)
  })
})
