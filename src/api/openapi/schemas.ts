import { FLAT_OPTIONS, SLICE_OPTIONS } from '../../detector/options.ts'
import { REQUEST_OPTIONS } from '../native/detect-options.ts'
import { describeOption, optionSchema } from './option-schema.ts'

/** Shapes of the native API, as JSON Schema. Tests hold real answers against them. */

const number = { type: 'number' }
const text = { type: 'string' }
const milliseconds = { type: 'number', minimum: 0, description: 'Milliseconds.' }
const object = (properties: Record<string, unknown>, optional: readonly string[] = []) => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
})
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const list = (items: unknown, more: object = {}) => ({ type: 'array', items, ...more })

export const schemas = {
  Detection: object(
    {
      label: text,
      classId: { type: 'integer', minimum: 0 },
      score: { type: 'number', minimum: 0, maximum: 1 },
      box: list(number, {
        minItems: 4,
        maxItems: 4,
        description: 'x1, y1, x2, y2 in pixels of the upright picture.',
      }),
      keypoints: list(list(number, { minItems: 3, maxItems: 3 }), {
        description: 'x, y, score of each point.',
      }),
      mask: {
        ...object({ size: list({ type: 'integer' }, { minItems: 2, maxItems: 2 }), counts: text }),
        description: 'COCO run-length encoding over the whole picture.',
      },
      angle: { type: 'number', description: 'Radians, clockwise.' },
      corners: list(list(number, { minItems: 2, maxItems: 2 }), { minItems: 4, maxItems: 4 }),
    },
    ['keypoints', 'mask', 'angle', 'corners'],
  ),
  Timings: object({
    decode: milliseconds,
    prepare: milliseconds,
    run: milliseconds,
    boxes: milliseconds,
    total: milliseconds,
  }),
  Found: object(
    {
      source: {
        type: 'string',
        description: 'Name of the picture, its address, or its place in the request.',
      },
      width: { type: 'integer', minimum: 1 },
      height: { type: 'integer', minimum: 1 },
      detections: list(ref('Detection')),
      timings: ref('Timings'),
      altText: text,
    },
    ['altText'],
  ),
  Failed: object({ source: text, error: object({ code: text, message: text, hint: text }, ['hint']) }),
  ModelName: object({ name: text, family: text, sha256: text, licence: { type: ['string', 'null'] } }),
  Report: object({
    model: ref('ModelName'),
    images: list({ anyOf: [ref('Found'), ref('Failed')] }, { minItems: 1 }),
  }),
  ModelEntry: object({
    name: text,
    default: { type: 'boolean' },
    title: text,
    family: text,
    sha256: text,
    licence: { type: ['string', 'null'] },
    task: text,
    classes: { type: 'integer', minimum: 0 },
  }),
  Models: object({ models: list(ref('ModelEntry')) }),
  Model: object({
    name: text,
    default: { type: 'boolean' },
    family: text,
    sha256: text,
    licence: { type: ['string', 'null'] },
    contract: { type: 'object', description: 'What the model expects and gives; see contract.schema.json.' },
    evidence: list({ type: 'object' }),
  }),
  Error: object({
    error: object({ code: text, message: text, hint: text, requestId: text }, ['hint']),
  }),
  DetectBody: {
    type: 'object',
    description: 'One of image, url, s3 and images, and any of the options that the query takes too.',
    properties: {
      image: { type: 'string', description: 'Base64, with or without a data: prefix.' },
      url: { type: 'string', format: 'uri', description: 'https address in a public network.' },
      s3: ref('S3'),
      images: list({
        anyOf: [
          { type: 'string', description: 'Base64.' },
          object({ name: text, image: text, url: text, s3: ref('S3') }, ['name', 'image', 'url', 's3']),
        ],
      }),
      model: text,
      ...Object.fromEntries(
        Object.entries(REQUEST_OPTIONS).map(([name, row]) => [
          name,
          { ...optionSchema(row), description: describeOption(row) },
        ]),
      ),
      slice: {
        description: describeOption(FLAT_OPTIONS.slice),
        anyOf: [
          optionSchema(FLAT_OPTIONS.slice),
          {
            type: 'object',
            properties: Object.fromEntries(
              Object.entries(SLICE_OPTIONS).map(([name, row]) => [name, optionSchema(row)]),
            ),
            additionalProperties: false,
          },
        ],
      },
    },
  },
  S3: {
    anyOf: [
      { type: 'string', pattern: '^s3://' },
      object({ bucket: text, key: text, version: text }, ['version']),
    ],
  },
  TensorInfo: object({ name: text, datatype: text, shape: list({ type: 'integer' }) }),
  KserveModel: object({
    name: text,
    versions: list(text),
    platform: text,
    inputs: list(ref('TensorInfo')),
    outputs: list(ref('TensorInfo')),
  }),
  KserveTensor: object(
    {
      name: text,
      datatype: text,
      shape: list({ type: 'integer' }),
      data: { type: 'array', items: {} },
      parameters: { type: 'object' },
    },
    ['data', 'parameters'],
  ),
  KserveRequest: object(
    {
      id: text,
      inputs: list(ref('KserveTensor'), { minItems: 1 }),
      outputs: list({ type: 'object' }),
      parameters: { type: 'object' },
    },
    ['id', 'outputs', 'parameters'],
  ),
  KserveAnswer: object(
    { model_name: text, model_version: text, id: text, outputs: list(ref('KserveTensor')) },
    ['id'],
  ),
  KserveError: object({ error: text }),
  Base64Picture: object({ image: { type: 'string', description: 'Base64.' } }),
  YolambdaRequest: object(
    {
      image: { type: 'string', description: 'Base64.' },
      imgsz: { type: 'number', description: 'Accepted and not used.' },
      conf_thres: { type: 'number', minimum: 0, maximum: 1, default: 0.3 },
      iou_thres: { type: 'number', minimum: 0, maximum: 1, default: 0.3 },
    },
    ['imgsz', 'conf_thres', 'iou_thres'],
  ),
  YolambdaAnswer: object({
    detections: list(
      object({ box: list({ type: 'integer' }, { minItems: 4, maxItems: 4 }), conf: number, cls: text }),
    ),
  }),
  IcevisionAnswer: list(
    object({ bbox: list(number, { minItems: 4, maxItems: 4 }), score: number, label: text }),
  ),
  ArticleAnswer: list(
    object({
      label: text,
      probability: number,
      boundingBox: object({ x: number, y: number, w: number, h: number }),
    }),
  ),
}
