import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PARAMETERS } from '../../src/aws/template/parameters.ts'
import { revisionOf } from '../../src/aws/template/revision.ts'
import { buildTemplate } from '../../src/aws/template/template.ts'
import { type Facts, factsOf } from './templates-facts.ts'
import { type Chosen, cdkFacts, cloudFormationFacts, samFacts, terraformFacts } from './templates-forms.ts'
import { samPython } from './tools.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'boxlet-version-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Another value than the default for every parameter; some mean something only beside others. */
const OTHER: Record<string, Chosen> = {
  LayerKey: { LayerKey: 'layer.zip' },
  ModelLocation: { ModelLocation: 'models/abc' },
  ModelFile: { ModelLocation: 'models/abc', ModelFile: 'model.onnx' },
  Architecture: { Architecture: 'x86_64' },
  Runtime: { Runtime: 'nodejs22.x' },
  MemorySize: { MemorySize: 512 },
  EphemeralStorage: { EphemeralStorage: 1024 },
  Timeout: { Timeout: 60 },
  Auth: { Auth: 'keys', KeysParameter: '/boxlet/test/keys' },
  KeysParameter: { KeysParameter: '/boxlet/test/keys' },
  KeysSecretArn: { KeysSecretArn: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:keys-AbCdEf' },
  Front: { Front: 'http-api' },
  BasePath: { BasePath: 'vision' },
  Streaming: { Streaming: 'false' },
  Tracing: { Tracing: 'Active' },
  CorsOrigins: { CorsOrigins: 'https://a.example' },
  KmsKeyArn: { KmsKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/00000000-1111-2222-3333-444444444444' },
  SubnetIds: { SubnetIds: 'subnet-0a1b2c3d', SecurityGroupIds: 'sg-0a1b2c3d', Streaming: 'false' },
  SecurityGroupIds: { SubnetIds: 'subnet-0a1b2c3d', SecurityGroupIds: 'sg-1a2b3c4d', Streaming: 'false' },
  Jobs: { Jobs: 'on', DataBucketName: 'test-pictures' },
  JobEvents: { Jobs: 'on', DataBucketName: 'test-pictures', JobEvents: 'pictures' },
  JobResults: { Jobs: 'on', DataBucketName: 'test-pictures', JobResults: 's3' },
}
/** A version does not hold these: they belong to other resources, or to the function beside its versions. */
const BESIDE_THE_FUNCTION = [
  'ApiLogs',
  'ApiRate',
  'ApiBurst',
  'PictureArns',
  'DataBucketName',
  'CreateDataBucket',
  'WorkerConcurrency',
  'JobRecovery',
  'LogRetentionDays',
  'Watch',
  'AlarmTopicArn',
  'ReservedConcurrency',
  'ProvisionedConcurrency',
]
const withRevision = (chosen: Chosen): Chosen => ({ ...chosen, Revision: revisionOf('abc', chosen) })
const description = (facts: Facts): string => String(facts.Version?.Description)
const cases = Object.entries(OTHER)

it('has a value here for every parameter that touches the function', () => {
  const named = [...Object.keys(OTHER), ...BESIDE_THE_FUNCTION, 'CodeBucket', 'CodeKey', 'Revision']
  expect(Object.keys(PARAMETERS).filter((name) => !named.includes(name))).toEqual([])
})

describe('a version', () => {
  it.each(cases)('is another one for another %s in a deployed template', (_name, chosen) => {
    expect(description(cloudFormationFacts(withRevision(chosen)))).not.toBe(
      description(cloudFormationFacts(withRevision({}))),
    )
  })

  it.skipIf(samPython === undefined).each(cases)('is another one for another %s in SAM', (name, chosen) => {
    if (name === 'LayerKey') {
      return
    }
    expect(description(samFacts(withRevision(chosen)))).not.toBe(description(samFacts(withRevision({}))))
  })

  it.each(cases)('is another one for another %s in the template of Terraform', (_name, chosen) => {
    expect(description(terraformFacts(withRevision(chosen)))).not.toBe(
      description(terraformFacts(withRevision({}))),
    )
  })

  it.each(cases)('is another one for another %s in CDK, which makes the revision', async (_name, chosen) => {
    expect(description(await cdkFacts(folder, chosen))).not.toBe(description(await cdkFacts(folder, {})))
  })

  it.each(['Auth', 'MemorySize', 'Timeout', 'Runtime', 'Architecture', 'Streaming', 'Tracing'])(
    'is another one for another %s even where nobody gives a revision',
    (name) => {
      expect(description(cloudFormationFacts(OTHER[name]!))).not.toBe(description(cloudFormationFacts({})))
    },
  )

  it('is another one for another revision, package and release of the template', () => {
    const one = description(cloudFormationFacts({}))
    expect(description(cloudFormationFacts({ Revision: 'b' }))).not.toBe(one)
    expect(description(factsOf(buildTemplate('def'), {}))).not.toBe(one)
    expect(one).toMatch(/^Boxlet abc [0-9a-f]{8}, revision /)
  })

  it('is the same one where nothing changes', async () => {
    expect(await cdkFacts(folder, { MemorySize: 512 })).toEqual(await cdkFacts(folder, { MemorySize: 512 }))
  })

  it('is described as the function is, since Lambda refuses to publish what has not changed', () => {
    for (const chosen of [{}, ...Object.values(OTHER)]) {
      const { Function: main, Version } = cloudFormationFacts(withRevision(chosen))
      expect(Version?.Description).toBe(main?.Description)
    }
  })

  it('is what the alias shows, and its address waits for it', () => {
    const { Resources } = buildTemplate('abc')
    expect(Resources.Alias?.Properties.FunctionVersion).toEqual({ 'Fn::GetAtt': ['Versionabc', 'Version'] })
    expect(Resources.Url?.DependsOn).toEqual(['Alias'])
  })

  it('has a description that AWS takes at the longest values', () => {
    const longest = { Revision: 'r'.repeat(PARAMETERS.Revision!.MaxLength!), MemorySize: 10240, Timeout: 900 }
    const facts = factsOf(buildTemplate('a'.repeat(64)), { ...longest, Auth: 'keys', Streaming: 'false' })
    expect(description(facts).length).toBeLessThanOrEqual(256)
  })
})

describe('a revision', () => {
  it('does not depend on the order of parameters, or on itself', () => {
    expect(revisionOf('p', { A: '1', B: '2' })).toBe(revisionOf('p', { B: '2', A: '1', Revision: 'x' }))
  })

  it('differs for another package, name or value', () => {
    const some = [
      revisionOf('p', { A: '1' }),
      revisionOf('q', { A: '1' }),
      revisionOf('p', { B: '1' }),
      revisionOf('p', { A: '2' }),
      revisionOf('p', {}),
    ]
    expect(new Set(some).size).toBe(some.length)
  })
})
