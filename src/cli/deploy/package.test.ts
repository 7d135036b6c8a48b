import { PassThrough, Readable } from 'node:stream'
import type { Stack } from '@aws-sdk/client-cloudformation'
import { describe, expect, it } from 'vitest'
import { hostArchitecture } from '../../aws/package/architecture.ts'
import type { Io } from '../kit/verb.ts'
import { packageToDeploy } from './package.ts'

const arch = hostArchitecture()
const other = arch === 'arm64' ? 'x86_64' : 'arm64'

const standing = (Architecture: string, tags: Record<string, string>): Stack => ({
  StackName: 'test',
  CreationTime: undefined,
  StackStatus: 'CREATE_COMPLETE',
  Parameters: [{ ParameterKey: 'Architecture', ParameterValue: Architecture }],
  Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
})
const io = (): Io => ({
  stdin: Readable.from([]),
  stdout: new PassThrough(),
  stderr: new PassThrough(),
  env: process.env,
  signal: new AbortController().signal,
})
const file = { 'boxlet:model': 'fridge.onnx' }

describe('the package of a stack that stands', () => {
  it.each([
    ['no option of the package is given', {}],
    ['only a licence is accepted', { 'accept-licence': ['AGPL-3.0'] }],
    ['the architecture is the one that it has', { arch: 'arm64' }],
  ])('stays when %s', async (_name, values) => {
    expect(await packageToDeploy(values, standing('arm64', file), io())).toBeUndefined()
  })

  it.each([
    ['from a file', file, 'It runs the file fridge.onnx.'],
    ['that is not known', {}, 'does not say which one'],
  ])('needs its model named for another architecture: one %s', async (_name, tags, hint) => {
    await expect(packageToDeploy({ arch: 'x86_64' }, standing('arm64', tags), io())).rejects.toMatchObject({
      code: 'USAGE',
      hint: expect.stringContaining(hint),
    })
  })

  it('needs its model named for other class names', async () => {
    const values = { labels: 'class_map.json' }
    await expect(packageToDeploy(values, standing('arm64', file), io())).rejects.toMatchObject({
      code: 'USAGE',
    })
  })

  it.skipIf(arch === undefined)(
    'is built for another architecture from what the stack remembers',
    async () => {
      const built = await packageToDeploy({ arch: arch! }, standing(other, { 'boxlet:model': 'none' }), io())
      expect(built?.package).toMatchObject({ arch, model: undefined })
      expect(built?.record).toMatchObject({ model: 'none' })
    },
  )
})
