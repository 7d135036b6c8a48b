import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBearerKey } from '../src/api/auth/create-key.ts'
import type { DialectName } from '../src/api/dialects/dialects.ts'
import { Detector } from '../src/detector/detector.ts'
import type { DetectResult } from '../src/detector/types.ts'
import { changeKeys } from '../src/server/key-file.ts'
import { startTestService, type TestService } from './support/service.ts'
import { streetBytes, streetModel, streetPicture } from './support/street.ts'

const python = process.env.BOXLET_TEST_PYTHON ?? 'python3'
const script = join(import.meta.dirname, 'python/clients.py')
const available = clients()

function clients(): string[] {
  try {
    const listed = execFileSync(python, [script, 'available'], { stdio: ['ignore', 'pipe', 'ignore'] })
    return JSON.parse(listed.toString()) as string[]
  } catch {
    return []
  }
}

type Body = Record<string, unknown>

/** The packages that users of those programs have, against the whole service with keys, over a socket. */
describe('real clients of other programs', () => {
  const names: DialectName[] = ['cvat', 'deepstack', 'label-studio', 'roboflow']
  let service: TestService
  let folder: string
  let key: string
  let expected: DetectResult
  /** At the threshold that Roboflow's service has by itself. */
  let atDefault: DetectResult

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'boxlet-clients-'))
    const created = await createBearerKey('test', new Date())
    key = created.key
    const keyFile = join(folder, 'keys.json')
    await changeKeys(keyFile, (keys) => [...keys, created.stored])
    const labelStudio = { events: join(folder, 'events/label-studio.ndjson') }
    service = await startTestService({ keyFile, requireKeys: true, clients: names, labelStudio })
    await using detector = await Detector.load(streetModel(), { threads: 1 })
    expected = await detector.detect(streetBytes, { minScore: 0.5 })
    atDefault = await detector.detect(streetBytes, { minScore: 0.4, iou: 0.3 })
  })
  afterAll(async () => {
    await service?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const ask = async <T = Body>(client: string): Promise<T> => {
    const args = [script, client, service.url, streetPicture, key]
    const { stdout } = await promisify(execFile)(python, args, { maxBuffer: 2 ** 26 })
    return JSON.parse(stdout) as T
  }
  const centred = () =>
    expected.detections.map(({ box, score, label, classId }) => ({
      x: (box.x1 + box.x2) / 2,
      y: (box.y1 + box.y2) / 2,
      width: box.x2 - box.x1,
      height: box.y2 - box.y1,
      confidence: score,
      class: label,
      class_id: classId,
      detection_id: expect.any(String),
    }))
  const edges = () =>
    expected.detections.map(({ box, score, label }) => ({
      confidence: score,
      label,
      x_min: Math.round(box.x1),
      y_min: Math.round(box.y1),
      x_max: Math.round(box.x2),
      y_max: Math.round(box.y2),
    }))

  it.skipIf(!available.includes('inference_sdk'))('inference-sdk of Roboflow', async () => {
    const answers = await ask('inference_sdk')
    const { width, height } = expected.image
    const one = { time: expect.any(Number), image: { width, height }, predictions: centred() }
    expect(answers.legacy).toMatchObject(one)
    expect(answers).toMatchObject({ header: one, list: [one, one], hosted: one })
    expect(answers).toMatchObject({ registry: ['yolox-nano'], refused: 'HTTPCallErrorError' })
  })

  it.skipIf(!available.includes('supervision'))('supervision, which reads the answer', async () => {
    const answer = await ask('supervision')
    const sure = atDefault.detections
    expect(answer).toMatchObject({
      class_id: sure.map(({ classId }) => classId),
      class_name: sure.map(({ label }) => label),
    })
    for (const [i, { box }] of sure.entries()) {
      const found = (answer.xyxy as number[][])[i]!
      for (const [edge, value] of [box.x1, box.y1, box.x2, box.y2].entries()) {
        expect(found[edge]).toBeCloseTo(value, 1)
      }
    }
  })

  it.skipIf(!available.includes('deepstack'))('deepstack-python, with its key', async () => {
    expect(await ask('deepstack')).toEqual({
      detection: edges(),
      'yolox-nano': edges(),
      refused: expect.stringContaining('401'),
    })
  })

  it.skipIf(!available.includes('codeprojectai'))('codeproject-ai-api, which knows no key', async () => {
    const open = await startTestService({ clients: ['deepstack'] })
    try {
      const args = [script, 'codeprojectai', open.url, streetPicture, '']
      const { stdout } = await promisify(execFile)(python, args)
      expect(JSON.parse(stdout)).toEqual(edges())
    } finally {
      await open.stop()
    }
  })

  it.skipIf(!available.includes('cvat'))('the requests of CVAT, with a key in its host', async () => {
    const answer = await ask('cvat')
    expect(answer).toMatchObject({
      names: ['yolox-nano'],
      kind: 'detector',
      state: 'ready',
      description: expect.stringContaining('detect'),
      found: expected.detections.map(({ label, score, box }) => ({
        label,
        confidence: String(score),
        points: [box.x1, box.y1, box.x2, box.y2],
        type: 'rectangle',
      })),
    })
    expect(answer.labels).toHaveLength(80)
  })

  it.skipIf(!available.includes('label_studio'))(
    'the requests of Label Studio, judged by its SDK',
    async () => {
      const answer = await ask<{ valid: boolean[]; version: string; answer: { results: [Body] } }>(
        'label_studio',
      )
      expect(answer).toMatchObject({ health: 'UP', valid: [true], webhook: 201 })
      const { result, model_version } = answer.answer.results[0] as { result: Body[]; model_version: string }
      expect(model_version).toBe(answer.version)
      const { width, height } = expected.image
      const [first] = expected.detections
      expect(result[0]).toMatchObject({
        from_name: 'what',
        to_name: 'picture',
        type: 'rectanglelabels',
        original_width: width,
        original_height: height,
        value: {
          x: (first!.box.x1 / width) * 100,
          width: ((first!.box.x2 - first!.box.x1) / width) * 100,
          rectanglelabels: ['bus'],
        },
      })
      expect(result.map(({ value }) => (value as Body).rectanglelabels)).toContainEqual(['Human'])
      const kept = await readFile(join(folder, 'events/label-studio.ndjson'), 'utf8')
      expect(JSON.parse(kept)).toMatchObject({ action: 'ANNOTATION_CREATED', task: { id: 7 } })
    },
  )
})
