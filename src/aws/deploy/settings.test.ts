import type { Stack } from '@aws-sdk/client-cloudformation'
import { describe, expect, it } from 'vitest'
import { type Answers, fakeSession, serviceError } from '../../../test/support/aws-session.ts'
import { buildTemplate } from '../template/template.ts'
import type { StoredPackage } from './package-record.ts'
import { resolveParameters } from './settings.ts'

const template = buildTemplate('a')
const stored: StoredPackage = {
  bucket: 'packages',
  artefacts: { codeKey: 'packages/a.zip', layerKey: '', modelLocation: '' },
  arch: 'arm64',
  hash: 'a',
}
const standing = (parameters: Record<string, string>): Stack => ({
  StackName: 'test',
  CreationTime: undefined,
  StackStatus: 'CREATE_COMPLETE',
  Parameters: Object.entries(parameters).map(([ParameterKey, ParameterValue]) => ({
    ParameterKey,
    ParameterValue,
  })),
})

function resolve(chosen: Record<string, string>, before?: Stack, answers: Answers = {}, modelBytes?: number) {
  const steps: string[] = []
  return resolveParameters(fakeSession(answers).session, {
    stack: 'test',
    before,
    template,
    chosen,
    stored,
    modelBytes,
    onStep: (step) => steps.push(step),
  })
}

describe('the revision', () => {
  it('changes with any setting, and only then', async () => {
    const first = await resolve({ MemorySize: '1024' })
    expect(first.Revision).toMatch(/^[0-9a-f]{16,32}$/)
    expect((await resolve({}, standing(first))).Revision).toBe(first.Revision)
    // CloudFormation names defaults, too.
    const defaults = Object.entries(template.Parameters).map(([name, { Default = '' }]) => [
      name,
      String(Default),
    ])
    const told = standing({ ...Object.fromEntries(defaults), ...first })
    expect((await resolve({}, told)).Revision).toBe(first.Revision)
    expect((await resolve({ MemorySize: '1024' }, standing(first))).Revision).toBe(first.Revision)
    expect((await resolve({ Auth: 'keys' }, standing(first))).Revision).not.toBe(first.Revision)
    expect((await resolve({ MemorySize: '3008' }, standing(first))).Revision).not.toBe(first.Revision)
  })
})

describe('parameters', () => {
  it('keep their value, and those that the template no longer has are left out', async () => {
    const parameters = await resolve(
      { Timeout: '60' },
      standing({ MemorySize: '512', Timeout: '5', Gone: 'x' }),
    )
    expect(parameters).toMatchObject({ MemorySize: '512', Timeout: '60', CodeKey: 'packages/a.zip' })
    expect(parameters).not.toHaveProperty('Gone')
  })
})

describe('the ephemeral storage', () => {
  const storage = async (bytes: number | undefined, before?: Stack, chosen = {}) =>
    (await resolve(chosen, before, {}, bytes)).EphemeralStorage

  it('has room for a model that is in S3, and is left alone for others', async () => {
    expect(await storage(undefined)).toBeUndefined()
    expect(await storage(100e6)).toBe('512')
    expect(Number(await storage(1e9))).toBeGreaterThan(1e9 / 2 ** 20)
    expect(await storage(20e9)).toBe('10240')
  })

  it('stays what the user has chosen, unless a new model has no room there', async () => {
    expect(await storage(1e9, undefined, { EphemeralStorage: '4096' })).toBe('4096')
    expect(await storage(1e9, standing({ EphemeralStorage: '4096' }))).toBe('4096')
    expect(Number(await storage(1e9, standing({ EphemeralStorage: '512' })))).toBeGreaterThan(1000)
  })
})

describe('a data bucket', () => {
  const data = { DataBucketName: 'photos' }
  const missing = { HeadBucket: () => Promise.reject(serviceError('NotFound', 404)) }
  const owned = { HeadBucket: () => ({}), DescribeStacks: () => ({ Stacks: [] }) }
  const resource = (id: string) => ({
    DescribeStackResource: () => ({ StackResourceDetail: { PhysicalResourceId: id } }),
  })
  const noResource = {
    DescribeStackResource: () =>
      Promise.reject(new Error('Resource DataBucket does not exist for stack test')),
  }

  it.each([
    ['is made where there is none', undefined, missing, 'true'],
    ['is taken over where it was left by a stack', undefined, owned, 'false'],
    ['stays with the stack that has made it', standing(data), resource('photos'), 'true'],
    ['stays taken over', standing({ ...data, CreateDataBucket: 'false' }), noResource, 'false'],
    ['is made when a stack gets its first', standing({}), missing, 'true'],
  ] as const)('%s', async (_name, before, answers, expected) => {
    expect((await resolve(data, before, { ...answers })).CreateDataBucket).toBe(expected)
  })

  it('of somebody else is refused', async () => {
    const foreign = { HeadBucket: () => Promise.reject(serviceError('Forbidden', 403)) }
    await expect(resolve(data, undefined, foreign)).rejects.toMatchObject({
      code: 'FORBIDDEN',
      hint: expect.stringContaining('--data-bucket'),
    })
  })
})
