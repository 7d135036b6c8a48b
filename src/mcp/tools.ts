import * as v from 'valibot'
import { formFault } from '../api/form-fault.ts'
import type { Detectors } from '../detector/detectors.ts'
import type { DetectorLike } from '../detector/types.ts'
import { BoxletError } from '../errors.ts'
import { altText } from '../formats/alt-text.ts'
import { nativeFound } from '../formats/native.ts'
import { drawDetections } from '../image/draw/draw.ts'
import { EVALUATE_ARGUMENTS, EVALUATE_SCHEMA, measure } from './evaluate.ts'
import { PICTURE_SCHEMA, type PictureAccess, readPictureRequest } from './picture.ts'
import type { Tool, ToolResult } from './protocol.ts'

export interface ToolSettings extends PictureAccess {
  detectors: Detectors
}

/** What an assistant can do with Boxlet. Nothing is written anywhere. */
export function toolsOf(settings: ToolSettings): Tool[] {
  const { detectors } = settings
  const detectorNamed = async (name: string | undefined, caller?: string): Promise<DetectorLike> => {
    const wanted = name ?? detectors.defaultName
    if (!detectors.names.includes(wanted)) {
      throw new BoxletError('MODEL_NOT_FOUND', 'Expected the name of a model that is loaded here.', {
        hint: `There are ${detectors.names.join(', ')}.`,
      })
    }
    return detectors.get(wanted, caller)
  }
  const detect = async (...[args, signal, caller]: Parameters<Tool['call']>) => {
    const { source, bytes, model, detect: options } = await readPictureRequest(args, settings, signal)
    const detector = await detectorNamed(model, caller)
    const { pixels, pictureBytes: maxBytes } = settings.limits
    const maxPixels = Math.min(pixels, options.image?.maxPixels ?? pixels)
    const image = { ...options.image, maxPixels, maxBytes }
    const result = await detector.detect(bytes, { ...options, image, signal })
    return { bytes, result, report: { model: detector.model.name, ...nativeFound(source, result) } }
  }
  return [
    {
      name: 'list_models',
      title: 'List models',
      description: 'Names of the models, with their task and number of classes.',
      inputSchema: { type: 'object', properties: {}, additionalProperties: false },
      call: async () => {
        const models = await Promise.all(
          detectors.names.map(async (name) => {
            const { contract, family, licence } = (await detectors.get(name)).model
            const classes = contract.labels.filter((label) => label !== null).length
            return { name, family, licence, task: contract.task, classes }
          }),
        )
        return asData({ models })
      },
    },
    {
      name: 'detect',
      title: 'Detect objects',
      description: 'Finds objects in a picture: label, score and box in pixels for each.',
      inputSchema: PICTURE_SCHEMA,
      call: async (...call) => asData((await detect(...call)).report),
    },
    {
      name: 'annotate',
      title: 'Draw what is found',
      description:
        'Finds objects in a picture and gives the picture back with their boxes drawn, and the same as data.',
      inputSchema: PICTURE_SCHEMA,
      call: async (args, signal, caller) => {
        const { bytes, result, report } = await detect(args, signal, caller)
        const drawn = await drawDetections(bytes, result.detections, {
          format: 'jpeg',
          decode: { maxPixels: settings.limits.pixels },
          signal,
        })
        return {
          content: [
            { type: 'image', data: Buffer.from(drawn).toString('base64'), mimeType: 'image/jpeg' },
            { type: 'text', text: altText(result.detections) },
          ],
          structuredContent: report,
        }
      },
    },
    {
      name: 'inspect',
      title: 'Inspect a model',
      description:
        'What a model expects and gives: input, classes, thresholds, licence, and why Boxlet thinks so.',
      inputSchema: {
        type: 'object',
        properties: { model: { type: 'string', description: 'One of list_models. Default: the first.' } },
        additionalProperties: false,
      },
      call: async (args) => {
        const { model } = parsed(INSPECT_ARGUMENTS, args)
        return asData((await detectorNamed(model)).model)
      },
    },
    {
      name: 'evaluate',
      title: 'Measure a model',
      description: 'Average precision of a model on a labelled data set, over all and by class.',
      inputSchema: EVALUATE_SCHEMA,
      call: async (args, signal, caller) => {
        const given = parsed(EVALUATE_ARGUMENTS, args)
        return asData(await measure(given, await detectorNamed(given.model, caller), settings, signal))
      },
    },
  ]
}

const INSPECT_ARGUMENTS = v.strictObject({ model: v.optional(v.string()) })

/** @throws BoxletError REQUEST_INVALID */
function parsed<T>(schema: v.GenericSchema<unknown, T>, args: unknown): T {
  const read = v.safeParse(schema, args, { abortEarly: true })
  if (!read.success) {
    throw formFault(read.issues[0])
  }
  return read.output
}

const asData = (data: object): ToolResult => ({
  content: [{ type: 'text', text: JSON.stringify(data) }],
  structuredContent: data,
})
