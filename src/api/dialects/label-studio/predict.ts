import * as v from 'valibot'
import type { DetectorLike, DetectResult } from '../../../detector/types.ts'
import { BoxletError, toBoxletError } from '../../../errors.ts'
import type { Ctx } from '../../call.ts'
import { formFault } from '../../form-fault.ts'
import { parseJsonObject } from '../../json-body.ts'
import { detectOne, detectorFor, type Service } from '../../service.ts'
import { type LabelConfig, readLabelConfig } from './label-config.ts'
import { type LabelStudioHost, taskPicture } from './pictures.ts'

/** Label Studio asks for a thousand tasks at once when a whole project is pre-labelled; all within one deadline. */
const MOST_TASKS = 1_000
const BOUNDS = { depth: 32, values: 200_000, plainBytes: 4 * 2 ** 20 }

const BODY = v.object({
  tasks: v.pipe(v.array(v.object({ data: v.record(v.string(), v.unknown()) })), v.maxLength(MOST_TASKS)),
  label_config: v.string(),
})

type Task = v.InferOutput<typeof BODY>['tasks'][number]

/** `POST /predict`: a prediction for each task, in their order. */
export async function predict(
  c: Ctx,
  service: Service,
  model: string | undefined,
  host: LabelStudioHost | undefined,
): Promise<Response> {
  const call = c.get('call')
  const body = v.safeParse(BODY, parseJsonObject(c.get('body'), BOUNDS), { abortEarly: true })
  if (!body.success) {
    throw formFault(body.issues[0])
  }
  const { tasks, label_config } = body.output
  const config = readLabelConfig(label_config)
  const detector = await detectorFor(service, call, model)
  const results: Prediction[] = []
  // As many at once as a request may hold pictures: their bytes are in memory together.
  for (let start = 0; start < tasks.length; start += service.limits.pictures) {
    const part = tasks.slice(start, start + service.limits.pictures)
    results.push(
      ...(await Promise.all(part.map((task) => predictTask(task, config, detector, { c, service, host })))),
    )
  }
  const failed = results.filter(({ error }) => error !== undefined)
  if (failed.length === results.length && failed[0]?.error !== undefined) {
    throw failed[0].error
  }
  const version = versionOf(detector)
  return c.json({
    results: results.map(({ error, ...prediction }) => ({
      model_version: version,
      ...prediction,
      ...(error !== undefined && { error: error.message }),
    })),
    model_version: version,
  })
}

export const versionOf = ({ model }: DetectorLike): string => `${model.name} ${model.sha256.slice(0, 8)}`

interface Prediction {
  score: number
  result: object[]
  error?: BoxletError
}

async function predictTask(
  task: Task,
  config: LabelConfig,
  detector: DetectorLike,
  { c, service, host }: { c: Ctx; service: Service; host: LabelStudioHost | undefined },
): Promise<Prediction> {
  const call = c.get('call')
  try {
    const value = task.data[config.dataKey]
    if (typeof value !== 'string' || value === '') {
      throw new BoxletError('REQUEST_INVALID', `Expected a picture under "${config.dataKey}" of each task.`)
    }
    const bytes = await taskPicture(value, host, service, call).bytes()
    const found = await detectOne(service, call, detector, bytes, { consume: true })
    return toPrediction(found, config)
  } catch (error) {
    call.signal.throwIfAborted()
    const known = toBoxletError(error)
    if (known.code === 'INTERNAL' || known.kind === 'unavailable') {
      throw known
    }
    return { score: 0, result: [], error: known }
  }
}

/** Rectangles in percent of the upright picture, of the labels that the project has. */
function toPrediction({ image, detections }: DetectResult, config: LabelConfig): Prediction {
  const known = detections.flatMap((detection) => {
    const label = config.labels.get(detection.label.toLowerCase())
    return label === undefined ? [] : [{ ...detection, label }]
  })
  const result = known.map(({ box, score, label }) => ({
    id: crypto.randomUUID().slice(0, 10),
    from_name: config.fromName,
    to_name: config.toName,
    type: 'rectanglelabels',
    original_width: image.width,
    original_height: image.height,
    image_rotation: 0,
    score,
    value: {
      x: (box.x1 / image.width) * 100,
      y: (box.y1 / image.height) * 100,
      width: ((box.x2 - box.x1) / image.width) * 100,
      height: ((box.y2 - box.y1) / image.height) * 100,
      rotation: 0,
      rectanglelabels: [label],
    },
  }))
  const mean = known.reduce((sum, { score }) => sum + score, 0) / Math.max(1, known.length)
  return { score: mean, result }
}
