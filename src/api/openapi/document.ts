import * as v from 'valibot'
import { FLAT_OPTIONS, type OptionRow, SLICE_OPTIONS } from '../../detector/options.ts'
import { OPERATION_NAMES } from '../dialects/rekognition/route.ts'
import { SUBMISSION } from '../jobs/job-values.ts'
import { modelParameter, REQUEST_OPTIONS } from '../native/detect-options.ts'
import { pictures } from '../native/picture-schema.ts'
import type { Parameters } from '../values.ts'
import type { ComponentName } from './components.ts'
import { jobPaths } from './job-paths.ts'
import { componentSchemas, jsonSchema, type Parameter, parameter, ref } from './json-schema.ts'
import { describeOption, optionSchema } from './option-schema.ts'

const json = (name: ComponentName) => ({ 'application/json': { schema: ref(name) } })
const ok = (name: ComponentName, description: string) => ({ 200: { description, content: json(name) } })

const refusal = (description: string) => ({ description, content: json('Error') })
const REFUSALS = {
  400: refusal('The request does not have the documented form.'),
  401: refusal('No key, or one that is not valid.'),
  413: refusal('The body or the picture is larger than the limit.'),
  415: refusal('Not a picture in a format that is read here.'),
  422: refusal('The picture is damaged or could not be fetched.'),
  429: refusal('This client has too many requests under way. Retry-After says when to come again.'),
  503: refusal('The service is full or stopping. Retry-After says when to come again.'),
  504: refusal('The work did not finish before its deadline.'),
}
const NOT_FOUND = { 404: refusal('No model of that name.') }

const name = parameter('name', 'path', v.string())
const OPTIONS: Parameter[] = [
  parameter('model', 'query', modelParameter),
  ...Object.entries(REQUEST_OPTIONS).map(([option, row]) => ({
    name: option,
    in: 'query' as const,
    // A list is one text with commas in a query.
    schema: row.type === 'list' ? { type: 'string' } : optionSchema(row),
    description: describeOption(row),
  })),
]

const picture = { schema: { type: 'string', format: 'binary' } }

const detect = {
  summary: 'Find objects in one picture or several',
  operationId: 'detect',
  parameters: OPTIONS,
  requestBody: {
    required: true,
    content: {
      'image/*': picture,
      'application/octet-stream': picture,
      ...json('DetectBody'),
      'multipart/form-data': {
        schema: {
          type: 'object',
          description: 'Files are pictures; url and s3 name more; other fields are options.',
        },
      },
    },
  },
  responses: {
    200: {
      description: 'What was found; with Accept, the annotated picture or a sentence instead.',
      content: {
        ...json('Report'),
        'text/plain': { schema: { type: 'string' } },
        'image/jpeg': picture,
        'image/png': picture,
        'image/webp': picture,
      },
    },
    ...REFUSALS,
    404: refusal('No model of that name.'),
    406: refusal('Nothing that Accept names is offered.'),
  },
}

const open = (summary: string, operationId: string, answer: ComponentName) => ({
  get: {
    summary,
    operationId,
    security: [],
    responses: {
      ...ok(answer, 'Yes.'),
      503: { description: 'Not at the moment.', content: json(answer) },
    },
  },
})

const earlier = (operationId: string, summary: string, request: ComponentName, answer: ComponentName) => {
  const operation = (suffix: string) => ({
    summary,
    operationId: operationId + suffix,
    requestBody: { required: true, content: json(request) },
    responses: { ...ok(answer, 'What was found.'), ...REFUSALS },
  })
  return { get: operation('ByGet'), post: operation('') }
}

/** The operation stands in a header, so that the document can only name all bodies. */
const awsJson = (part: 'Request' | 'Answer') => ({
  'application/x-amz-json-1.1': {
    schema: { anyOf: OPERATION_NAMES.map((operation) => ref(`${operation}${part}`)) },
  },
})

const rekognition = {
  summary: 'Amazon Rekognition: labels, custom and moderation labels, media analysis jobs',
  description: 'AWS JSON 1.1, as the AWS SDKs and the AWS CLI send it.',
  operationId: 'rekognition',
  parameters: [
    {
      name: 'X-Amz-Target',
      in: 'header',
      required: true,
      schema: { enum: OPERATION_NAMES.map((name) => `RekognitionService.${name}`) },
    },
  ],
  requestBody: { required: true, content: awsJson('Request') },
  responses: {
    200: {
      description: "Rekognition's own shape.",
      content: awsJson('Answer'),
    },
    400: { description: "One of Rekognition's exceptions, under __type." },
  },
}

const version = parameter('version', 'path', v.literal('1'))

const infer = (operationId: string, parameters: object[]) => ({
  summary: 'Run raw tensors',
  operationId,
  parameters,
  requestBody: { required: true, content: json('KserveRequest') },
  responses: {
    ...ok('KserveAnswer', 'The outputs of the model.'),
    400: { description: 'The tensors do not fit the model.', content: json('KserveError') },
    404: { description: 'No model of that name.', content: json('KserveError') },
  },
})

const described = (row: OptionRow) => ({ ...optionSchema(row), description: describeOption(row) })
const describedAll = (table: Readonly<Record<string, OptionRow>>) =>
  Object.fromEntries(Object.entries(table).map(([name, row]) => [name, described(row)]))

/** A JSON body that brings pictures, options of detection, and what else the path takes. */
function body(more: Parameters) {
  const { slice, ...options } = describedAll(REQUEST_OPTIONS)
  const given = jsonSchema(v.object({ ...pictures.entries, model: modelParameter }))
  const own = jsonSchema(v.partial(v.object(more)))
  return {
    type: 'object',
    description: 'One of image, url, s3 and images, and any of the options that the query takes too.',
    properties: {
      ...given.properties,
      ...own.properties,
      ...options,
      slice: {
        description: slice!.description,
        anyOf: [
          optionSchema(FLAT_OPTIONS.slice),
          { type: 'object', properties: describedAll(SLICE_OPTIONS), additionalProperties: false },
        ],
      },
    },
  }
}

/** Each model has one version, so the paths with and without it mean the same. */
const kserveModel = (base: string, suffix: string, parameters: object[]) => ({
  [base]: {
    get: {
      summary: 'Inputs and outputs of a model',
      operationId: `kserveModel${suffix}`,
      parameters,
      responses: {
        ...ok('KserveModel', 'The model.'),
        404: { description: 'No model of that name.', content: json('KserveError') },
      },
    },
  },
  [`${base}/ready`]: {
    get: {
      summary: 'Can this model run?',
      operationId: `kserveModelReady${suffix}`,
      parameters,
      responses: {
        ...ok('KserveModelReady', 'Yes.'),
        503: { description: 'Not at the moment.', content: json('KserveModelReady') },
        404: { description: 'No model of that name.', content: json('KserveError') },
      },
    },
  },
  [`${base}/infer`]: { post: infer(`kserveInfer${suffix}`, parameters) },
})

/** The whole HTTP interface as OpenAPI 3.1. */
export const openApiDocument = (boxletVersion: string) => ({
  openapi: '3.1.0',
  info: {
    title: 'Boxlet',
    version: boxletVersion,
    description: 'Object detection over HTTP.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: '/' }],
  security: [{ bearer: [] }, { key: [] }, {}],
  paths: {
    '/': { post: rekognition },
    '/v1/detect': { post: detect },
    '/v1/models': {
      get: { summary: 'List the models', operationId: 'listModels', responses: ok('Models', 'All models.') },
    },
    '/v1/models/{name}': {
      get: {
        summary: 'One model with its contract and licence',
        operationId: 'getModel',
        parameters: [name],
        responses: { ...ok('Model', 'The model.'), ...NOT_FOUND },
      },
    },
    ...jobPaths(OPTIONS, { ...detect.requestBody.content, ...json('JobBody') }),
    '/healthz': open('Is the process alive?', 'healthz', 'Status'),
    '/readyz': open('Can it detect?', 'readyz', 'Status'),
    '/metrics': {
      get: {
        summary: 'Prometheus metrics',
        operationId: 'metrics',
        responses: {
          200: { description: 'Text format.', content: { 'text/plain': { schema: { type: 'string' } } } },
        },
      },
    },
    '/v2': open('Server metadata of the open inference protocol', 'kserveServer', 'KserveServer'),
    '/v2/health/live': open('Is the process alive?', 'kserveLive', 'KserveLive'),
    '/v2/health/ready': open('Can it detect?', 'kserveReady', 'KserveReady'),
    ...kserveModel('/v2/models/{name}', '', [name]),
    ...kserveModel('/v2/models/{name}/versions/{version}', 'OfVersion', [name, version]),
    '/yolambda': earlier('yolambda', "YOLambda's clients", 'YolambdaRequest', 'YolambdaAnswer'),
    '/icevision': earlier(
      'icevision',
      'Clients of the IceVision handler',
      'IcevisionRequest',
      'IcevisionAnswer',
    ),
    '/yolo-lambda-node': earlier(
      'yoloLambdaNode',
      'Clients of the Node article',
      'ArticleRequest',
      'ArticleAnswer',
    ),
    '/tflite-lambda': {
      post: {
        summary: 'Raw RGB bytes in, raw outputs out',
        operationId: 'tfliteLambda',
        requestBody: { required: true, content: json('TfliteRequest') },
        responses: { ...ok('TfliteAnswer', 'The outputs.'), ...REFUSALS },
      },
    },
    '/tflite-sqs': {
      post: {
        summary: 'Raw RGB bytes or a picture, to be detected later',
        operationId: 'tfliteSqs',
        requestBody: { required: true, content: json('TfliteRequest') },
        responses: { 202: { description: 'Accepted.', content: json('TfliteMessage') }, ...REFUSALS },
      },
    },
    '/tflite-sqs/{id}': {
      get: {
        summary: 'What became of a message',
        operationId: 'tfliteSqsMessage',
        parameters: [parameter('id', 'path', v.string())],
        responses: { ...ok('TfliteMessage', 'Its state.'), ...REFUSALS, 404: refusal('No such message.') },
      },
    },
  },
  components: {
    schemas: { ...componentSchemas(), DetectBody: body({}), JobBody: body(SUBMISSION) },
    securitySchemes: {
      bearer: { type: 'http', scheme: 'bearer' },
      key: { type: 'apiKey', in: 'header', name: 'x-api-key' },
    },
  },
})
