import { OPERATION_NAMES } from '../dialects/rekognition/route.ts'
import { REQUEST_OPTIONS } from '../native/detect-options.ts'
import { jobPaths, jobSchemas } from './job-paths.ts'
import { describeOption, optionSchema } from './option-schema.ts'
import { schemas } from './schemas.ts'

const json = (name: keyof typeof schemas) => ({
  'application/json': { schema: { $ref: `#/components/schemas/${name}` } },
})
const ok = (name: keyof typeof schemas, description: string) => ({
  200: { description, content: json(name) },
})

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

const name = { name: 'name', in: 'path', required: true, schema: { type: 'string' } }
const OPTIONS = [
  {
    name: 'model',
    in: 'query',
    schema: { type: 'string' },
    description: 'One of /v1/models. Default: the first.',
  },
  ...Object.entries(REQUEST_OPTIONS).map(([option, row]) => ({
    name: option,
    in: 'query',
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
      'application/json': { schema: { $ref: '#/components/schemas/DetectBody' } },
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

const status = (summary: string, operationId: string) => ({
  get: {
    summary,
    operationId,
    security: [],
    responses: {
      200: { description: 'Yes.', content: { 'application/json': { schema: { type: 'object' } } } },
      503: { description: 'Not at the moment.' },
    },
  },
})

const older = (
  operationId: string,
  summary: string,
  request: keyof typeof schemas,
  answer: keyof typeof schemas,
) => {
  const operation = (suffix: string) => ({
    summary,
    operationId: operationId + suffix,
    requestBody: { required: true, content: json(request) },
    responses: { ...ok(answer, 'What was found.'), ...REFUSALS },
  })
  return { get: operation('ByGet'), post: operation('') }
}

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
  requestBody: { required: true, content: { 'application/x-amz-json-1.1': { schema: { type: 'object' } } } },
  responses: {
    200: {
      description: "Rekognition's own shape.",
      content: { 'application/x-amz-json-1.1': { schema: { type: 'object' } } },
    },
    400: { description: "One of Rekognition's exceptions, under __type." },
  },
}

const version = { name: 'version', in: 'path', required: true, schema: { const: '1' } }

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

/** Each model has one version, so the paths with and without it mean the same. */
const kserveModel = (base: string, suffix: string, parameters: object[]) => ({
  [base]: {
    get: {
      summary: 'Inputs and outputs of a model',
      operationId: `kserveModel${suffix}`,
      parameters,
      responses: { ...ok('KserveModel', 'The model.'), ...NOT_FOUND },
    },
  },
  [`${base}/ready`]: {
    get: {
      summary: 'Can this model run?',
      operationId: `kserveModelReady${suffix}`,
      parameters,
      responses: { 200: { description: 'Yes.' }, 503: { description: 'Not at the moment.' } },
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
    ...jobPaths(OPTIONS, detect.requestBody.content),
    '/healthz': status('Is the process alive?', 'healthz'),
    '/readyz': status('Can it detect?', 'readyz'),
    '/metrics': {
      get: {
        summary: 'Prometheus metrics',
        operationId: 'metrics',
        responses: {
          200: { description: 'Text format.', content: { 'text/plain': { schema: { type: 'string' } } } },
        },
      },
    },
    '/v2': status('Server metadata of the open inference protocol', 'kserveServer'),
    '/v2/health/live': status('Is the process alive?', 'kserveLive'),
    '/v2/health/ready': status('Can it detect?', 'kserveReady'),
    ...kserveModel('/v2/models/{name}', '', [name]),
    ...kserveModel('/v2/models/{name}/versions/{version}', 'OfVersion', [name, version]),
    '/yolambda': older('yolambda', "YOLambda's clients", 'YolambdaRequest', 'YolambdaAnswer'),
    '/icevision': older('icevision', 'Clients of the IceVision handler', 'Base64Picture', 'IcevisionAnswer'),
    '/yolo-lambda-node': older(
      'yoloLambdaNode',
      'Clients of the Node article',
      'Base64Picture',
      'ArticleAnswer',
    ),
  },
  components: {
    schemas: { ...schemas, ...jobSchemas },
    securitySchemes: {
      bearer: { type: 'http', scheme: 'bearer' },
      key: { type: 'apiKey', in: 'header', name: 'x-api-key' },
    },
  },
})
