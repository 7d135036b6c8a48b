/** An account for the tests of deployments: moto behind its front, and packages that are small or real. */
import { createHash } from 'node:crypto'
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { artefactBucketName } from '../../src/aws/deploy/artefacts.ts'
import { type DeployOptions, deploy } from '../../src/aws/deploy/deploy.ts'
import { type DestroyOptions, destroy, inventory } from '../../src/aws/deploy/destroy.ts'
import type { PackageRecord } from '../../src/aws/deploy/package-record.ts'
import { type AwsSession, openSession } from '../../src/aws/deploy/session.ts'
import type { PackageResult } from '../../src/aws/package/build-package.ts'
import { type Front, startFront } from './aws-front.ts'
import { type Moto, startMoto } from './moto.ts'
import { awsVariables, REGION } from './stacks.ts'
import { motoServer } from './tools.ts'

export const record: PackageRecord = { model: 'yolox-nano.onnx', labels: 'a', contract: 'b', licences: [] }
export const signal = new AbortController().signal

/** Enough for what is stored and named; it cannot run. */
export function smallPackage(content: string): PackageResult {
  const zip = Buffer.from(content)
  const sha256 = createHash('sha256').update(zip).digest('hex')
  const report = { zipBytes: zip.length, unpackedBytes: zip.length, parts: [], advice: [] }
  return { arch: 'arm64', zip, sha256, sbom: {}, report, model: undefined }
}

export interface Deployment {
  moto: Moto
  front: Front
  session: AwsSession
  /** Of the packages. */
  bucket: string
  /** What was said since the start of the test. */
  steps: string[]
  deploy(more?: Partial<DeployOptions>): ReturnType<typeof deploy>
  destroy(stack: string, more?: Partial<DestroyOptions>): Promise<void>
  /** Keys and sizes. */
  objects(bucket: string): Promise<Record<string, number | undefined>>
  read(bucket: string, key: string): Promise<Buffer>
}

/** Call at the top of a group of tests; what it returns is filled before the first one. */
export function deployment(): Deployment {
  const outer = { ...process.env }
  const it = {
    steps: [] as string[],
    deploy: (more: Partial<DeployOptions> = {}) =>
      deploy(it.session, {
        stack: 'test',
        artefactBucket: it.bucket,
        built: { package: smallPackage('code'), record },
        parameters: {},
        confirm: async () => true,
        onStep: (step) => it.steps.push(step),
        onEvent: () => {},
        smokePicture: undefined,
        signal,
        pollMs: 20,
        ...more,
      }),
    destroy: async (stack: string, more: Partial<DestroyOptions> = {}) => {
      const found = await inventory(it.session, stack)
      if (found === undefined) {
        throw new Error(`There is nothing of ${stack}.`)
      }
      await destroy(it.session, found, {
        deleteData: false,
        deleteArtefacts: false,
        onStep: (step) => it.steps.push(step),
        wait: { signal, onEvent: () => {}, pollMs: 20 },
        ...more,
      })
    },
    objects: async (Bucket: string) => {
      const { Contents = [] } = await it.session.s3.send(new ListObjectsV2Command({ Bucket }))
      return Object.fromEntries(Contents.map(({ Key = '', Size }) => [Key, Size]))
    },
    read: async (Bucket: string, Key: string) => {
      const { Body } = await it.session.s3.send(new GetObjectCommand({ Bucket, Key }))
      return Buffer.from((await Body?.transformToByteArray()) ?? [])
    },
  } as Deployment
  beforeAll(async () => {
    it.moto = await startMoto(motoServer as string)
    it.front = await startFront(it.moto.endpoint)
    Object.assign(process.env, awsVariables(it.front.endpoint))
    it.session = await openSession(REGION)
    it.bucket = artefactBucketName(it.session)
  }, 60_000)
  beforeEach(() => {
    it.steps.length = 0
    it.front.calls.length = 0
  })
  afterAll(async () => {
    await it.front?.stop()
    await it.moto?.stop()
    process.env = outer
  })
  return it
}
