import { execFile, execFileSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  DetectCustomLabelsCommand,
  DetectFacesCommand,
  DetectLabelsCommand,
  ImageTooLargeException,
  InvalidImageFormatException,
  InvalidS3ObjectException,
  RekognitionClient,
  type RekognitionServiceException,
  ResourceNotFoundException,
} from '@aws-sdk/client-rekognition'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAccessKey } from '../src/api/auth/create-key.ts'
import { changeKeys } from '../src/server/key-file.ts'
import { startTestService, type TestService } from './support/service.ts'
import { streetBytes, streetPicture } from './support/street.ts'

/** The AWS CLI of the machine: it comes from PyPI, not from npm, so it may be absent. */
const awsCli = ['BOXLET_TEST_AWS_CLI' in process.env ? process.env.BOXLET_TEST_AWS_CLI : 'aws'].find(
  (command) => {
    try {
      execFileSync(command as string, ['--version'], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  },
)

const run = promisify(execFile)

describe('unmodified AWS clients', () => {
  let folder: string
  let open: TestService
  let locked: TestService
  let credentials: { accessKeyId: string; secretAccessKey: string }
  const Bytes = () => streetBytes

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'boxlet-aws-'))
    const keyFile = join(folder, 'keys.json')
    const { stored, secret } = createAccessKey('test', new Date())
    credentials = { accessKeyId: stored.id, secretAccessKey: secret }
    await changeKeys(keyFile, () => [stored])
    await mkdir(join(folder, 'blobs', 'photos'), { recursive: true })
    await cp(streetPicture, join(folder, 'blobs', 'photos', 'bus.jpg'))
    open = await startTestService({ blobs: join(folder, 'blobs') })
    locked = await startTestService({ host: '0.0.0.0', keyFile, blobs: join(folder, 'blobs') })
  })
  afterAll(async () => {
    await open?.stop()
    await locked?.stop()
    await rm(folder, { recursive: true })
  })

  const clientOf = (service: TestService, own = credentials) =>
    new RekognitionClient({
      endpoint: `http://127.0.0.1:${service.port}`,
      region: 'us-east-1',
      credentials: own,
      maxAttempts: 1,
    })
  const failure = async (sent: Promise<unknown>) =>
    sent.then(
      () => undefined,
      (error: RekognitionServiceException) => error,
    )

  describe('the SDK for JavaScript', () => {
    it('gets typed labels from an open loopback service, with credentials that nobody checks', async () => {
      const client = clientOf(open, { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'none' })
      const { Labels, LabelModelVersion, $metadata } = await client.send(
        new DetectLabelsCommand({ Image: { Bytes: Bytes() } }),
      )
      expect(Labels?.map(({ Name }) => Name)).toEqual(['Bus', 'Transportation', 'Vehicle', 'Person'])
      expect(Labels?.[0]?.Instances?.[0]?.BoundingBox?.Width).toBeGreaterThan(0.9)
      expect(LabelModelVersion).toBe('3.0')
      expect($metadata.requestId).toBeTruthy()
    })

    it('authenticates with an access key and secret', async () => {
      const { Labels } = await clientOf(locked).send(new DetectLabelsCommand({ Image: { Bytes: Bytes() } }))
      expect(Labels?.length).toBe(4)
    })

    it.each([
      [
        'a wrong secret',
        () => ({ ...credentials, secretAccessKey: 'x'.repeat(40) }),
        'InvalidSignatureException',
      ],
      [
        'an unknown key',
        () => ({ ...credentials, accessKeyId: 'AKIAIOSFODNN7EXAMPLE' }),
        'UnrecognizedClientException',
      ],
    ])('is refused with %s', async (_what, own, name) => {
      const error = await failure(
        clientOf(locked, own()).send(new DetectLabelsCommand({ Image: { Bytes: Bytes() } })),
      )
      expect(error?.name).toBe(name)
    })

    it('reads S3 objects', async () => {
      const S3Object = { Bucket: 'photos', Name: 'bus.jpg' }
      const { Labels } = await clientOf(locked).send(new DetectLabelsCommand({ Image: { S3Object } }))
      expect(Labels?.length).toBe(4)
      const missing = { S3Object: { ...S3Object, Name: 'none.jpg' } }
      expect(
        await failure(clientOf(locked).send(new DetectLabelsCommand({ Image: missing }))),
      ).toBeInstanceOf(InvalidS3ObjectException)
    })

    it('gets image properties', async () => {
      const { ImageProperties, Labels } = await clientOf(open).send(
        new DetectLabelsCommand({ Image: { Bytes: Bytes() }, Features: ['IMAGE_PROPERTIES'] }),
      )
      expect(Labels).toBeUndefined()
      expect(ImageProperties?.DominantColors?.[0]?.PixelPercent).toBeGreaterThan(5)
      expect(ImageProperties?.Foreground?.Quality?.Sharpness).toBeGreaterThan(0)
    })

    it('gets custom labels', async () => {
      const ProjectVersionArn =
        'arn:aws:rekognition:us-east-1:123456789012:project/yolox-nano/version/v1/1700000000000'
      const send = (arn: string) =>
        clientOf(open).send(
          new DetectCustomLabelsCommand({ Image: { Bytes: Bytes() }, ProjectVersionArn: arn }),
        )
      expect((await send(ProjectVersionArn)).CustomLabels?.[0]?.Name).toBe('bus')
      expect(await failure(send(ProjectVersionArn.replace('yolox-nano', 'none')))).toBeInstanceOf(
        ResourceNotFoundException,
      )
    })

    it('gets the exceptions of its own model', async () => {
      const labels = (bytes: Uint8Array) =>
        clientOf(open).send(new DetectLabelsCommand({ Image: { Bytes: bytes } }))
      expect(await failure(labels(Buffer.from('no picture')))).toBeInstanceOf(InvalidImageFormatException)
      expect(await failure(labels(new Uint8Array(5_300_000)))).toBeInstanceOf(ImageTooLargeException)
      const faces = await failure(clientOf(open).send(new DetectFacesCommand({ Image: { Bytes: Bytes() } })))
      expect([faces?.name, faces?.$fault]).toEqual(['UnknownOperationException', 'client'])
    })

    it('waits and tries again by itself when the service is full', async () => {
      const small = await startTestService({ limits: { inFlight: 1 } })
      const client = new RekognitionClient({
        endpoint: small.url,
        region: 'us-east-1',
        credentials,
        maxAttempts: 10,
      })
      const answers = await Promise.all(
        Array.from({ length: 4 }, () => client.send(new DetectLabelsCommand({ Image: { Bytes: Bytes() } }))),
      )
      expect(answers.map(({ Labels }) => Labels?.length)).toEqual([4, 4, 4, 4])
      await small.stop()
    })
  })

  describe.skipIf(awsCli === undefined)('the AWS CLI', () => {
    const cli = async (service: TestService, own: typeof credentials, ...args: string[]) => {
      const { stdout } = await run(
        awsCli as string,
        ['rekognition', ...args, '--endpoint-url', `http://127.0.0.1:${service.port}`, '--output', 'json'],
        {
          env: {
            PATH: process.env.PATH,
            AWS_ACCESS_KEY_ID: own.accessKeyId,
            AWS_SECRET_ACCESS_KEY: own.secretAccessKey,
            AWS_DEFAULT_REGION: 'us-east-1',
            AWS_MAX_ATTEMPTS: '1',
            AWS_CONFIG_FILE: join(folder, 'none'),
          },
        },
      )
      return JSON.parse(stdout) as { Labels: { Name: string }[]; CustomLabels: { Name: string }[] }
    }
    const picture = () => `fileb://${streetPicture}`

    it('detects labels, open and signed', async () => {
      const nobody = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'none' }
      for (const [service, own] of [
        [open, nobody],
        [locked, credentials],
      ] as const) {
        const { Labels } = await cli(
          service,
          own,
          'detect-labels',
          '--image-bytes',
          picture(),
          '--max-labels',
          '1',
        )
        expect(Labels.map(({ Name }) => Name)).toEqual(['Bus'])
      }
    })

    it('detects in an S3 object, and custom labels', async () => {
      const { Labels } = await cli(
        open,
        credentials,
        'detect-labels',
        '--image',
        'S3Object={Bucket=photos,Name=bus.jpg}',
      )
      expect(Labels).toHaveLength(4)
      const arn = 'arn:aws:rekognition:us-east-1:123456789012:project/yolox-nano/version/v1/1700000000000'
      const custom = await cli(
        open,
        credentials,
        'detect-custom-labels',
        '--project-version-arn',
        arn,
        '--image-bytes',
        picture(),
      )
      expect(custom.CustomLabels[0]?.Name).toBe('bus')
    })

    it('is told why it is refused', async () => {
      const wrong = { ...credentials, secretAccessKey: 'wrong' }
      await expect(cli(locked, wrong, 'detect-labels', '--image-bytes', picture())).rejects.toThrow(
        'InvalidSignatureException',
      )
    })
  })
})
