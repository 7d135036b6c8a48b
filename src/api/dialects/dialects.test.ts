import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadTestDetector, singleDetector } from '../../../test/support/app.ts'
import { streetBytes } from '../../../test/support/street.ts'
import type { Detector } from '../../detector/detector.ts'
import { BoxletError } from '../../errors.ts'
import { type App, createApp } from '../app.ts'
import { createBearerKey } from '../auth/create-key.ts'
import { keyAuthenticator } from '../auth/key-authenticator.ts'
import type { BearerKey } from '../auth/key-store.ts'
import type { AppOptions } from '../options.ts'
import { DIALECTS, type DialectName, type DialectSettings, loadDialects } from './dialects.ts'

const image = Buffer.from(streetBytes).toString('base64')
const names = Object.keys(DIALECTS) as DialectName[]
type Json = Record<string, unknown>

/** What clients' own packages do not send; those are in test/clients.test.ts. */
describe('dialects', () => {
  let detector: Detector
  beforeAll(async () => {
    detector = await loadTestDetector()
  })
  afterAll(() => detector?.dispose())

  const open = async (options: Partial<AppOptions> = {}, settings: DialectSettings = {}): Promise<App> =>
    createApp({ detectors: singleDetector(detector), ...options }, await loadDialects(names, settings))
  const send = (app: App, path: string, init: RequestInit = {}) =>
    app.fetch(new Request(`http://127.0.0.1${path}`, init))
  const post = (app: App, path: string, body: unknown, headers: Record<string, string> = {}) =>
    send(app, path, {
      method: 'POST',
      body: body instanceof FormData ? body : JSON.stringify(body),
      headers: { ...(body instanceof FormData ? {} : { 'content-type': 'application/json' }), ...headers },
    })
  const form = (fields: Record<string, string> = {}) => {
    const data = new FormData()
    data.set('image', new Blob([streetBytes as Uint8Array<ArrayBuffer>]), 'image')
    for (const [name, value] of Object.entries(fields)) {
      data.set(name, value)
    }
    return data
  }
  const secured = async () => {
    const { stored, key } = await createBearerKey('test', new Date())
    const bearer = async (id: string) => (id === stored.id ? (stored as BearerKey) : undefined)
    const auth = keyAuthenticator({ bearer, access: async () => undefined })
    return { app: await open({ auth }), key }
  }

  it('are off until they are asked for', async () => {
    const app = createApp({ detectors: singleDetector(detector) })
    for (const path of ['/api/functions', '/model/registry', '/health', '/v1/status/ping']) {
      expect((await send(app, path)).status).toBe(404)
    }
    expect((await post(app, '/v1/vision/detection', form())).status).toBe(404)
  })

  it('leave the paths of the native API and of the others as they are', async () => {
    const app = await open()
    expect(await (await send(app, '/v1/models')).json()).toMatchObject({ models: [{ name: 'tiny' }] })
    expect((await send(app, '/v2/health/live')).status).toBe(200)
    expect((await post(app, '/yolambda', { image })).status).toBe(200)
  })

  it('ask for a key on every path that works or tells', async () => {
    const { app } = await secured()
    for (const [path, body] of [
      ['/api/function_invocations', { image }],
      ['/v1/vision/detection', form()],
      ['/v1/vision/custom/list', form()],
      ['/v1/vision/custom/tiny', form()],
      ['/infer/object_detection', { model_id: 'tiny', image: { type: 'base64', value: image } }],
      ['/tiny/1', {}],
      ['/model/add', { model_id: 'tiny' }],
      ['/setup', {}],
      ['/predict', {}],
      ['/webhook', {}],
      ['/label-studio/tiny/predict', {}],
    ] as const) {
      expect([path, (await post(app, path, body)).status]).toEqual([path, 401])
    }
    for (const path of ['/api/functions', '/api/functions/tiny', '/model/registry', '/info']) {
      expect([path, (await send(app, path)).status]).toEqual([path, 401])
    }
  })

  it('take the key where their clients put it, and nowhere else', async () => {
    const { app, key } = await secured()
    const body = { model_id: 'tiny', image: { type: 'base64', value: image } }
    const basic = { authorization: `Basic ${btoa(`boxlet:${key}`)}` }
    expect((await post(app, '/infer/object_detection', { ...body, api_key: key })).status).toBe(200)
    expect((await post(app, '/v1/vision/detection', form({ api_key: key }))).status).toBe(200)
    expect((await send(app, `/model/registry?api_key=${key}`)).status).toBe(200)
    expect((await send(app, '/api/functions', { headers: basic })).status).toBe(200)
    expect((await send(app, `/api/functions?api_key=${key}`)).status).toBe(401)
    expect((await send(app, `/v1/models?api_key=${key}`)).status).toBe(401)
    expect((await post(app, '/infer/object_detection', { ...body, api_key: 'x' }, basic)).status).toBe(200)
    const wrong = { authorization: `Basic ${btoa('boxlet:boxlet_no')}` }
    const refused = await post(app, '/infer/object_detection', { ...body, api_key: key }, wrong)
    expect([refused.status, await refused.json()]).toEqual([401, { message: expect.stringContaining('key') }])
  })

  it('do not fetch addresses where the service does not', async () => {
    const app = await open()
    const url = 'http://169.254.169.254/latest/meta-data/'
    const body = { model_id: 'tiny', image: { type: 'url', value: url } }
    expect((await post(app, '/infer/object_detection', body)).status).toBe(400)
    expect((await send(app, `/tiny/1?image=${encodeURIComponent(url)}`)).status).toBe(400)
    const task = { data: { image: url } }
    const label_config =
      '<View><Image name="i" value="$image"/><RectangleLabels name="l" toName="i"><Label value="bus"/></RectangleLabels></View>'
    expect((await post(app, '/predict', { tasks: [task], label_config })).status).toBe(400)
  })

  it('answer errors in the form of each', async () => {
    const app = await open()
    const empty = new FormData()
    empty.set('min_confidence', 'high')
    const deepstack = await post(app, '/v1/vision/detection', empty)
    expect([deepstack.status, await deepstack.json()]).toEqual([
      400,
      { success: false, code: 400, error: 'Expected a file "image" in a form but received none.' },
    ])
    const unknown = await post(app, '/v1/vision/custom/other', form())
    expect([unknown.status, await unknown.json()]).toMatchObject([404, { success: false }])
    expect((await post(app, '/v1/vision/detection', form({ min_confidence: 'x' }))).status).toBe(400)
    for (const [path, body, status] of [
      ['/infer/object_detection', { model_id: 'other', image: { type: 'base64', value: image } }, 404],
      ['/infer/object_detection', { model_id: 'tiny', image: [] }, 400],
      ['/infer/object_detection', { model_id: 'tiny', image: { type: 'file', value: '/etc/passwd' } }, 400],
      ['/infer/object_detection', { model_id: 'tiny' }, 400],
      ['/tiny/1?confidence=x', {}, 400],
      ['/model/add', { model_id: 'other' }, 404],
    ] as const) {
      const response = await post(app, path, body)
      expect([path, response.status]).toEqual([path, status])
      expect(Object.keys((await response.json()) as Json)).toEqual(['message'])
    }
    const noName = await post(app, '/api/function_invocations', { image })
    expect([noName.status, await noName.json()]).toMatchObject([400, { error: { code: 'REQUEST_INVALID' } }])
    expect((await send(app, '/predict')).status).toBe(405)
  })

  it('DeepStack: keeps the labels that the address asks for, best first', async () => {
    const app = await open()
    const answer = (await (await post(app, '/v1/vision/detection?classes=person', form())).json()) as {
      predictions: { label: string; confidence: number }[]
    }
    const scores = answer.predictions.map(({ confidence }) => confidence)
    expect(answer.predictions.every(({ label }) => label === 'person')).toBe(true)
    expect(scores).toEqual(scores.toSorted((a, b) => b - a))
    expect(Math.min(...scores)).toBeGreaterThanOrEqual(0.4)
    expect(await (await post(app, '/v1/vision/custom/list', form())).json()).toMatchObject({
      models: ['tiny'],
    })
  })

  it('Roboflow: takes percent, a file in a form, and filters classes', async () => {
    const app = await open()
    const count = async (response: Response) =>
      ((await response.json()) as { predictions: [] }).predictions.length
    const data = new FormData()
    data.set('file', new Blob([streetBytes as Uint8Array<ArrayBuffer>]), 'street.jpg')
    expect(await count(await post(app, '/tiny/1?confidence=90', data))).toBe(1)
    expect(await count(await post(app, '/tiny/1?confidence=0.9', data))).toBe(1)
    const body = { model_id: 'tiny/4', image: [{ type: 'base64', value: image }], class_filter: ['bus'] }
    const list = (await (await post(app, '/infer/object_detection', body)).json()) as object[]
    expect(list).toMatchObject([{ predictions: [{ class: 'bus' }] }])
  })

  it('Label Studio: reads paths from the host that is set alone, and predicts what it can', async () => {
    const asked: string[] = []
    const host = {
      origin: 'http://studio:8080',
      fetchPicture: async (url: string) => {
        asked.push(url)
        return streetBytes
      },
    }
    const app = await open({}, { labelStudio: { host } })
    const label_config =
      '<View><Image name="i" value="$image"/><RectangleLabels name="l" toName="i"><Label value="Bus"/></RectangleLabels></View>'
    const images = ['/data/upload/1/a.jpg', '//evil.example/a.jpg', 'http://evil.example/a.jpg']
    const tasks = images.map((path) => ({ data: { image: path } }))
    const answer = await post(app, '/label-studio/tiny/predict', { tasks, label_config })
    const { results } = (await answer.json()) as { results: { result: object[]; error?: string }[] }
    expect(asked).toEqual(['http://studio:8080/data/upload/1/a.jpg', 'http://studio:8080/evil.example/a.jpg'])
    expect(results.map(({ result, error }) => [result.length, error !== undefined])).toEqual([
      [1, false],
      [1, false],
      [0, true],
    ])
    const bare = await open()
    const refused = await post(bare, '/predict', {
      tasks: [{ data: { image: '/data/a.jpg' } }],
      label_config,
    })
    expect([refused.status, await refused.json()]).toMatchObject([400, { error: { code: 'URL_REFUSED' } }])
  })

  it.each([
    ['no XML', 'nothing <'],
    ['no rectangles', '<View><Image name="i" value="$image"/></View>'],
    [
      'another picture',
      '<View><Image name="j" value="$image"/><RectangleLabels name="l" toName="i"/></View>',
    ],
    ['deep nesting', `${'<View>'.repeat(5000)}${'</View>'.repeat(5000)}`],
    [
      'entities that grow',
      `<!DOCTYPE a [<!ENTITY a "${'a'.repeat(1000)}">${[...'bcdef'].map((c, i) => `<!ENTITY ${c} "${`&${'abcde'[i]};`.repeat(50)}">`).join('')}]><View>&f;</View>`,
    ],
  ])('Label Studio: refuses an interface with %s', async (_what, label_config) => {
    const app = await open()
    const response = await post(app, '/predict', { tasks: [{ data: { image: 'data:,' } }], label_config })
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: { code: 'REQUEST_INVALID', message: expect.stringContaining('labelling interface') } },
    ])
  })

  it('Label Studio: hands events on, and says whether they are kept', async () => {
    const kept: Json[] = []
    const keep = async (event: Json) => void kept.push(event)
    const app = await open({}, { labelStudio: { keep } })
    const response = await post(app, '/webhook', { action: 'START_TRAINING', project: { id: 1 } })
    expect([response.status, await response.json(), kept]).toEqual([
      201,
      { kept: true },
      [{ action: 'START_TRAINING', project: { id: 1 } }],
    ])
    const full = await open(
      {},
      { labelStudio: { keep: () => Promise.reject(new BoxletError('STORE_UNAVAILABLE', 'Full.')) } },
    )
    expect((await post(full, '/webhook', {})).status).toBe(503)
    expect(await (await post(await open(), '/webhook', {})).json()).toEqual({ kept: false })
  })
})
