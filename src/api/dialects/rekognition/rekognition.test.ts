import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadTestDetector, singleDetector, type TestApp, testApp } from '../../../../test/support/app.ts'
import { streetBytes } from '../../../../test/support/street.ts'
import type { Detector } from '../../../detector/detector.ts'
import { BoxletError, ERROR_CODES, type ErrorCode } from '../../../errors.ts'
import type { CustomLabel, ImageProperties, Label } from '../../../formats/rekognition-schema.ts'
import { awsErrorOf } from './errors.ts'

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
const ARN = 'arn:aws:rekognition:us-east-1:123456789012:project/tiny/version/v1/1700000000000'

describe('the Rekognition API', () => {
  let detector: Detector
  let test: TestApp
  let bus: string

  beforeAll(async () => {
    detector = await loadTestDetector()
    test = testApp(singleDetector(detector), {
      blobStore: {
        get: async ({ bucket, key, version }, options) => {
          if (bucket === 'locked') {
            throw new BoxletError('FORBIDDEN', 'no')
          }
          if (bucket !== 'photos' || key !== 'bus.jpg' || version !== undefined) {
            throw new BoxletError(
              'IMAGE_NOT_FOUND',
              'Expected an object of that bucket and key but there is none.',
            )
          }
          expect(options?.maxBytes).toBe(15 * 1024 * 1024)
          return streetBytes
        },
        put: async () => {},
      },
    })
    bus = base64(streetBytes)
  })
  afterAll(() => detector?.dispose())

  async function call(operation: string, body: unknown, app = test) {
    const response = await app.send('/', {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `RekognitionService.${operation}`,
      },
    })
    expect(response.headers.get('content-type')).toBe('application/x-amz-json-1.1')
    expect(response.headers.get('x-amzn-requestid')).toBeTruthy()
    return { status: response.status, body: (await response.json()) as Record<string, never> }
  }
  const labelsOf = async (more: object = {}) => {
    const { status, body } = await call('DetectLabels', { Image: { Bytes: bus }, ...more })
    expect(status, JSON.stringify(body)).toBe(200)
    return (body as unknown as { Labels: Label[] }).Labels
  }
  const names = async (more: object = {}) => (await labelsOf(more)).map(({ Name }) => Name)
  const failure = async (operation: string, body: unknown, app = test) => {
    const { status, body: error } = await call(operation, body, app)
    expect(error).toMatchObject({ __type: expect.any(String), Message: expect.any(String) })
    return [status, error.__type]
  }

  it('gives labels with instances as shares of the picture, ancestors, aliases and categories', async () => {
    const { body } = await call('DetectLabels', { Image: { Bytes: bus } })
    expect(body).toMatchObject({ LabelModelVersion: '3.0', OrientationCorrection: 'ROTATE_0' })
    expect(body).not.toHaveProperty('ImageProperties')
    const labels = body.Labels as unknown as Label[]
    const found = await detector.detect(streetBytes, { minScore: 0.55 })
    const person = labels.find(({ Name }) => Name === 'Person') as Label
    const people = found.detections.filter(({ label }) => label === 'person')
    expect(person.Instances).toHaveLength(people.length)
    expect(person).toMatchObject({
      Parents: [],
      Aliases: [{ Name: 'Human' }],
      Categories: [{ Name: 'Person Description' }],
    })
    const { x1, y1, x2, y2 } = (people[0] as (typeof people)[0]).box
    const { Left, Top, Width, Height } = (person.Instances[0] as Label['Instances'][0]).BoundingBox
    expect(
      [Left * 810, Top * 1080, Width * 810, Height * 1080].map((value) => Math.round(value * 1000)),
    ).toEqual([x1, y1, x2 - x1, y2 - y1].map((value) => Math.round(value * 1000)))
    expect(labels.find(({ Name }) => Name === 'Bus')?.Parents).toEqual([
      { Name: 'Transportation' },
      { Name: 'Vehicle' },
    ])
    expect(labels.find(({ Name }) => Name === 'Vehicle')).toMatchObject({
      Instances: [],
      Parents: [{ Name: 'Transportation' }],
      Categories: [{ Name: 'Vehicles and Automotive' }],
    })
    const confidences = labels.map(({ Confidence }) => Confidence)
    expect(confidences).toEqual([...confidences].sort((a, b) => b - a))
    expect(Math.min(...confidences)).toBeGreaterThanOrEqual(55)
  })

  it('keeps MinConfidence and MaxLabels', async () => {
    expect(await names({ MinConfidence: 88 })).toEqual(['Bus', 'Transportation', 'Vehicle'])
    expect(await names({ MinConfidence: 99 })).toEqual([])
    expect(await names({ MaxLabels: 1 })).toEqual(['Bus'])
    expect((await names({ MinConfidence: 0 })).length).toBeGreaterThan((await names()).length)
  })

  it.each([
    [{ LabelInclusionFilters: ['person'] }, ['Person']],
    [{ LabelInclusionFilters: ['Vehicle', 'Person'] }, ['Vehicle', 'Person']],
    [{ LabelExclusionFilters: ['Person', 'Vehicle'] }, ['Bus', 'Transportation']],
    [{ LabelCategoryInclusionFilters: ['Person Description'] }, ['Person']],
    [{ LabelCategoryExclusionFilters: ['Vehicles and Automotive'] }, ['Person']],
    [
      { LabelInclusionFilters: ['Person'], LabelCategoryInclusionFilters: ['Vehicles and Automotive'] },
      ['Bus', 'Transportation', 'Vehicle', 'Person'],
    ],
    [
      { LabelCategoryInclusionFilters: ['Vehicles and Automotive'], LabelExclusionFilters: ['Bus'] },
      ['Transportation', 'Vehicle'],
    ],
    [{ LabelInclusionFilters: ['Cat'] }, []],
  ])('filters labels by %j', async (GeneralLabels, expected) => {
    expect(await names({ Settings: { GeneralLabels } })).toEqual(expected)
  })

  it('gives image properties from the pixels, for the whole, the foreground, the background and each instance', async () => {
    const { body } = await call('DetectLabels', {
      Image: { Bytes: bus },
      Features: ['GENERAL_LABELS', 'IMAGE_PROPERTIES'],
      Settings: { ImageProperties: { MaxDominantColors: 4 } },
    })
    const { Quality, DominantColors, Foreground, Background } =
      body.ImageProperties as unknown as ImageProperties
    expect(DominantColors).toHaveLength(4)
    const shares = DominantColors.map(({ PixelPercent }) => PixelPercent)
    expect(shares.reduce((a, b) => a + b)).toBeCloseTo(100, 3)
    for (const value of [Quality, Foreground.Quality, Background.Quality].flatMap((part) =>
      Object.values(part),
    )) {
      expect(value).toBeGreaterThan(0)
      expect(value).toBeLessThanOrEqual(100)
    }
    const [label] = body.Labels as unknown as Label[]
    expect(label?.Instances[0]?.DominantColors).toHaveLength(4)
  })

  it('gives image properties alone', async () => {
    const { body } = await call('DetectLabels', { Image: { Bytes: bus }, Features: ['IMAGE_PROPERTIES'] })
    expect(Object.keys(body).sort()).toEqual([
      'ImageProperties',
      'LabelModelVersion',
      'OrientationCorrection',
    ])
  })

  it('reads S3 objects from the object store', async () => {
    const { body } = await call('DetectLabels', {
      Image: { S3Object: { Bucket: 'photos', Name: 'bus.jpg' } },
    })
    expect((body.Labels as unknown as Label[]).length).toBeGreaterThan(2)
    for (const S3Object of [
      { Bucket: 'photos', Name: 'none' },
      { Bucket: 'photos', Name: 'bus.jpg', Version: '7' },
    ]) {
      expect(await failure('DetectLabels', { Image: { S3Object } })).toEqual([
        400,
        'InvalidS3ObjectException',
      ])
    }
    const locked = { Image: { S3Object: { Bucket: 'locked', Name: 'x' } } }
    expect(await failure('DetectLabels', locked)).toEqual([400, 'AccessDeniedException'])
  })

  it('gives boxes in the upright picture whatever the EXIF orientation', async () => {
    const tops = new Set<string>()
    for (let orientation = 1; orientation <= 8; orientation++) {
      const turned = await sharp(streetBytes).resize(405).withMetadata({ orientation }).toBuffer()
      const upright = await sharp(turned).autoOrient().jpeg({ quality: 95 }).toBuffer()
      const [a, b] = await Promise.all(
        [turned, upright].map(async (picture) => {
          const { body } = await call('DetectLabels', {
            Image: { Bytes: base64(picture) },
            MinConfidence: 30,
          })
          return (body.Labels as unknown as Label[])[0]?.Instances[0]?.BoundingBox
        }),
      )
      if (a !== undefined && b !== undefined) {
        expect(Math.abs(a.Top - b.Top)).toBeLessThan(0.05)
      }
      tops.add(a?.Top.toFixed(1) ?? 'none')
    }
    expect(tops.size).toBeGreaterThan(1)
  })

  it('detects custom labels with the model that the ARN names', async () => {
    const { body } = await call('DetectCustomLabels', {
      ProjectVersionArn: ARN,
      Image: { Bytes: bus },
      MaxResults: 2,
    })
    const found = await detector.detect(streetBytes)
    expect((body.CustomLabels as unknown as CustomLabel[]).map(({ Name }) => Name)).toEqual(
      found.detections.slice(0, 2).map(({ label }) => label),
    )
    const strict = await call('DetectCustomLabels', {
      ProjectVersionArn: ARN,
      Image: { Bytes: bus },
      MinConfidence: 88,
    })
    expect(strict.body.CustomLabels).toHaveLength(1)
    expect(
      await failure('DetectCustomLabels', {
        ProjectVersionArn: ARN.replace('tiny', 'other'),
        Image: { Bytes: bus },
      }),
    ).toEqual([400, 'ResourceNotFoundException'])
    for (const ProjectVersionArn of ['arn:aws:s3:::bucket/and/some/more', undefined, 'short']) {
      expect(await failure('DetectCustomLabels', { ProjectVersionArn, Image: { Bytes: bus } })).toEqual([
        400,
        'InvalidParameterException',
      ])
    }
  })

  const plain = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: '#888' } })
      .jpeg()
      .toBuffer()

  it('has the limits of the service, or only its own where it is told so', async () => {
    const small = { Image: { Bytes: base64(await plain(79, 100)) } }
    const long = { Image: { Bytes: base64(await plain(10_001, 100)) } }
    const heavy = { Image: { Bytes: base64(new Uint8Array(5 * 1024 * 1024 + 1)) } }
    expect(await failure('DetectLabels', small)).toEqual([400, 'InvalidParameterException'])
    expect(await failure('DetectLabels', long)).toEqual([400, 'ImageTooLargeException'])
    expect(await failure('DetectLabels', heavy)).toEqual([400, 'ImageTooLargeException'])
    const open = testApp(singleDetector(detector), { rekognitionLimits: 'boxlet' })
    expect((await call('DetectLabels', small, open)).status).toBe(200)
    expect((await call('DetectLabels', long, open)).status).toBe(200)
    expect(await failure('DetectLabels', heavy, open)).toEqual([400, 'InvalidImageFormatException'])
  })

  it.each([
    ['no picture', {}, 'InvalidParameterException'],
    ['an empty picture', { Image: {} }, 'InvalidParameterException'],
    ['empty bytes', { Image: { Bytes: '' } }, 'InvalidParameterException'],
    [
      'two pictures',
      { Image: { Bytes: 'AAAA', S3Object: { Bucket: 'photos', Name: 'x' } } },
      'InvalidParameterException',
    ],
    ['no base64', { Image: { Bytes: '%%%' } }, 'InvalidImageFormatException'],
    ['no picture in the bytes', { Image: { Bytes: 'AAAA' } }, 'InvalidImageFormatException'],
    ['a confidence above 100', { Image: { Bytes: 'AAAA' }, MinConfidence: 101 }, 'InvalidParameterException'],
    ['a negative number of labels', { Image: { Bytes: 'AAAA' }, MaxLabels: -1 }, 'InvalidParameterException'],
    ['an unknown feature', { Image: { Bytes: 'AAAA' }, Features: ['FACES'] }, 'InvalidParameterException'],
    [
      'options without their feature',
      { Image: { Bytes: 'AAAA' }, Features: ['IMAGE_PROPERTIES'], MaxLabels: 3 },
      'InvalidParameterException',
    ],
    [
      'too many filters',
      {
        Image: { Bytes: 'AAAA' },
        Settings: { GeneralLabels: { LabelInclusionFilters: Array(101).fill('x') } },
      },
      'InvalidParameterException',
    ],
    ['text that is no JSON', '{', 'SerializationException'],
    ['a list', [], 'SerializationException'],
  ])('refuses %s as the service does', async (_what, body, type) => {
    expect(await failure('DetectLabels', body)).toEqual([400, type])
  })

  it.each([
    [
      { Image: { Bytes: 'AAAA' }, MinConfidence: 101 },
      "Value '101' at 'minConfidence' failed to satisfy constraint: Member must have value less than or equal to 100",
    ],
    [
      { Image: { Bytes: 'AAAA' }, MaxLabels: -1 },
      "Value '-1' at 'maxLabels' failed to satisfy constraint: Member must have value greater than or equal to 0",
    ],
    [{}, "Value null at 'image' failed to satisfy constraint: Member must not be null"],
    [
      { Image: { S3Object: { Bucket: 'b', Name: 'x' } } },
      "Value 'b' at 'image.s3Object.bucket' failed to satisfy constraint: Member must have length greater than or equal to 3",
    ],
    [
      { Image: { Bytes: 'AAAA' }, Features: ['FACES'] },
      "Value '[FACES]' at 'features' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [GENERAL_LABELS, IMAGE_PROPERTIES]]",
    ],
  ])('says in the words of the service what is wrong with %j', async (body, sentence) => {
    const { body: error } = await call('DetectLabels', body)
    expect(error.Message).toBe(`1 validation error detected: ${sentence}`)
  })

  it.each([
    { MinConfidence: '50' },
    { MinConfidence: true },
    { Features: 'FACES' },
    { Features: [{ toString: 1 }] },
    { Image: 'AAAA' },
  ])('cannot read members of another type: %j', async (more) => {
    expect(await failure('DetectLabels', { Image: { Bytes: 'AAAA' }, ...more })).toEqual([
      400,
      'SerializationException',
    ])
  })

  it.each(['DetectFaces', 'DetectText', 'StartLabelDetection', 'NoSuchThing', '__proto__', 'toString'])(
    'says that it does not offer %s',
    async (operation) => {
      expect(await failure(operation, { Image: { Bytes: bus } })).toEqual([400, 'UnknownOperationException'])
    },
  )

  it('tells a person with a browser or curl where to go', async () => {
    const response = await test.send('/', { method: 'POST', body: '{}' })
    expect([response.status, response.headers.get('content-type')]).toEqual([404, 'application/json'])
  })
})

describe('awsErrorOf', () => {
  it('knows an exception for every code', () => {
    for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
      const { name, status, message } = awsErrorOf(new BoxletError(code, 'Expected this but received that.'))
      expect([code, /^[A-Z]\w+(Exception|Error)$/.test(name), status >= 400, message.length > 0]).toEqual([
        code,
        true,
        true,
        true,
      ])
    }
  })
})
