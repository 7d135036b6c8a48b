import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadTestDetector, singleDetector, type TestApp, testApp } from '../../../../test/support/app.ts'
import { streetBytes } from '../../../../test/support/street.ts'
import type { Detector } from '../../../detector/detector.ts'
import type { DetectResult } from '../../../detector/types.ts'

describe('clients of older services', () => {
  let detector: Detector
  let test: TestApp
  let expected: DetectResult
  const image = () => Buffer.from(streetBytes).toString('base64')

  beforeAll(async () => {
    detector = await loadTestDetector()
    test = testApp(singleDetector(detector))
    expected = await detector.detect(streetBytes, { minScore: 0.3, iou: 0.3 })
  })
  afterAll(() => detector?.dispose())

  const post = (path: string, body: unknown) =>
    test.send(path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    })

  it('answers YOLambda with whole pixels, confidence and label', async () => {
    const answer = await (
      await post('/yolambda', { image: image(), imgsz: 640, conf_thres: 0.3, iou_thres: 0.3 })
    ).json()
    expect(answer).toEqual({
      detections: expected.detections.map(({ box, score, label }) => ({
        box: [box.x1, box.y1, box.x2, box.y2].map(Math.round),
        conf: score,
        cls: label,
      })),
    })
    const strict = (await (await post('/yolambda', { image: image(), conf_thres: 0.88 })).json()) as {
      detections: unknown[]
    }
    expect(strict.detections).toHaveLength(1)
  })

  it('takes the body of a GET, which a Web Request cannot hold', async () => {
    const body = new Blob([JSON.stringify({ image: image() })]).stream()
    const response = await test.app.fetch(new Request('http://127.0.0.1/yolambda'), { body })
    expect(((await response.json()) as { detections: unknown[] }).detections).toHaveLength(
      expected.detections.length,
    )
  })

  it('answers IceVision with a bare list, at its threshold of 0.5', async () => {
    const answer = (await (await post('/icevision', { image: image() })).json()) as object[]
    const sure = expected.detections.filter(({ score }) => score >= 0.5)
    expect(answer).toEqual(
      sure.map(({ box, score, label }) => ({ bbox: [box.x1, box.y1, box.x2, box.y2], score, label })),
    )
  })

  it('answers the Node article with corner and size', async () => {
    const answer = (await (await post('/yolo-lambda-node', { image: image() })).json()) as object[]
    const { box, score, label } = expected.detections[0] as DetectResult['detections'][0]
    expect(answer[0]).toEqual({
      label,
      probability: score,
      boundingBox: { x: box.x1, y: box.y1, w: box.x2 - box.x1, h: box.y2 - box.y1 },
    })
  })

  it.each(['/yolambda', '/icevision', '/yolo-lambda-node'])(
    '%s says what is wrong with a request',
    async (path) => {
      for (const [body, status] of [
        [{}, 400],
        [{ image: 5 }, 400],
        [{ image: '' }, 400],
        [{ image: '?' }, 400],
        [{ image: 'AAAA' }, 415],
      ] as const) {
        expect((await post(path, body)).status).toBe(status)
      }
      expect((await test.send(path)).status).toBe(400)
      expect((await test.send(path, { method: 'DELETE' })).status).toBe(405)
    },
  )

  it('refuses thresholds that are none', async () => {
    expect((await post('/yolambda', { image: image(), conf_thres: 'high' })).status).toBe(400)
    const answer = await post('/yolambda', { image: image(), iou_thres: 7 })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({
      error: { message: 'Expected at most 1 for iou_thres but received 7.' },
    })
  })
})
