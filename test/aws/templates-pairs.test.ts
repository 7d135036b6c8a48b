import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Template } from '../../src/aws/template/cloudformation.ts'
import { brokenRules, foldTemplate } from '../../src/aws/template/fold.ts'
import { buildTemplate } from '../../src/aws/template/template.ts'
import { type Choice, pairwise } from './pairs.ts'
import { EVERYTHING } from './templates-choices.ts'
import { chosenOf } from './templates-chosen.ts'
import { factsOf } from './templates-facts.ts'
import { cfnLint } from './tools.ts'

const FACTORS = {
  auth: [
    {},
    { Auth: 'keys', KeysParameter: '/boxlet/test/keys' },
    { Auth: 'keys', KeysSecretArn: EVERYTHING.KeysSecretArn },
  ],
  front: [{}, { Front: 'http-api' }, { Front: 'none' }],
  logs: [{}, { ApiLogs: 'true' }],
  streaming: [{}, { Streaming: 'false' }],
  cors: [{}, { CorsOrigins: EVERYTHING.CorsOrigins }],
  base: [{}, { BasePath: 'vision' }],
  data: [
    {},
    { DataBucketName: 'test-pictures' },
    { DataBucketName: 'test-pictures', CreateDataBucket: 'false' },
  ],
  jobs: [{}, { Jobs: 'on' }, { Jobs: 'paused' }],
  events: [{}, { JobEvents: 'pictures', JobResults: 's3', JobRecovery: 'true' }],
  pictures: [{}, { PictureArns: EVERYTHING.PictureArns }],
  watch: [{}, { AlarmTopicArn: EVERYTHING.AlarmTopicArn }, { Watch: 'none' }],
  key: [{}, { KmsKeyArn: EVERYTHING.KmsKeyArn }],
  network: [{}, { SubnetIds: EVERYTHING.SubnetIds, SecurityGroupIds: EVERYTHING.SecurityGroupIds }],
  tracing: [{}, { Tracing: 'Active' }],
  model: [{}, { LayerKey: EVERYTHING.LayerKey }, { ModelLocation: EVERYTHING.ModelLocation }],
  share: [{}, { ReservedConcurrency: '5' }, { ProvisionedConcurrency: '2' }],
} as const

const template = buildTemplate('abc')
const all = pairwise(FACTORS)
/** What a rule refuses is never deployed. */
const combinations = all.filter((chosen) => brokenRules(template, chosen).length === 0)
const nameOf = (chosen: Choice) =>
  Object.entries(chosen)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')

type Facts = Record<string, Record<string, unknown>>
const facts = (chosen: Choice): Facts => factsOf(template, chosen)

describe('every two options together', () => {
  it('are tried, and few of them are refused', () => {
    expect(all.length).toBeGreaterThan(8)
    expect(combinations.length).toBeGreaterThan(all.length / 2)
  })

  it.each(combinations.map((chosen) => [nameOf(chosen), chosen] as const))(
    'hold together: %s',
    (_name, chosen) => {
      const folded = foldTemplate(template, chosen)
      expect(dangling(folded)).toEqual([])
      const found = facts(chosen)
      const { Url, UrlPermission, UrlInvokePermission, Function: main, Queue, DataBucket } = found
      const open = chosen.Auth === 'keys'
      // Either permission alone lets nobody in.
      expect([UrlPermission !== undefined, UrlInvokePermission !== undefined]).toEqual([
        Url !== undefined,
        Url !== undefined,
      ])
      if (Url !== undefined) {
        expect(Url.AuthType).toBe(open ? 'NONE' : 'AWS_IAM')
        expect(UrlPermission?.Principal).toBe(open ? '*' : '<AWS::AccountId>')
        expect(main?.Handler).toBe(Url.InvokeMode === 'RESPONSE_STREAM' ? 'index.streaming' : 'index.handler')
        expect(Url.InvokeMode === 'RESPONSE_STREAM' && main?.VpcConfig !== undefined).toBe(false)
      } else {
        expect(main?.Handler).toBe('index.handler')
      }
      // The front sends the headers for other origins, and Lambda would add them to the function's own.
      expect(JSON.stringify(main)).not.toContain('BOXLET_CORS_ORIGINS')
      expect(Url?.Cors !== undefined || found.Api?.CorsConfiguration !== undefined).toBe(
        chosen.CorsOrigins !== undefined && chosen.Front !== 'none',
      )
      if (Queue !== undefined) {
        expect(Number(Queue.VisibilityTimeout)).toBeGreaterThanOrEqual(6 * Number(found.Worker?.Timeout))
        expect(Number((Queue.RedrivePolicy as { maxReceiveCount: string }).maxReceiveCount)).toBeGreaterThan(
          4,
        )
        expect(Queue.MessageRetentionPeriod).toBe('1209600')
      }
      if (DataBucket !== undefined) {
        expect(JSON.stringify(found.DataBucketPolicy)).toContain('"aws:SecureTransport":"false"')
      }
      if (found.Dashboard !== undefined) {
        expect(() => JSON.parse(String(found.Dashboard?.DashboardBody))).not.toThrow()
      }
    },
  )
})

/** References to what is not in the template. */
function dangling({ Resources, Parameters, Outputs }: Template): string[] {
  const text = JSON.stringify([Resources, Outputs])
  const names = [
    ...[...text.matchAll(/\{"Ref":"([^"]+)"\}/g)].map(([, name]) => name!),
    ...[...text.matchAll(/"Fn::GetAtt":\["([^"]+)"/g)].map(([, name]) => name!),
  ]
  return names.filter((name) => !(name in Resources) && !(name in Parameters) && !name.startsWith('AWS::'))
}

describe.skipIf(cfnLint === undefined)('cfn-lint', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'boxlet-pairs-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('passes every two options together', () => {
    const paths = combinations.map((chosen, index) => {
      const path = join(folder, `${index}.json`)
      writeFileSync(path, JSON.stringify(chosenOf(template, chosen)))
      return path
    })
    const { status, stdout, stderr, error } = spawnSync(cfnLint as string, paths, { encoding: 'utf8' })
    expect({ status, words: `${stdout}${stderr}${error?.message ?? ''}` }).toEqual({ status: 0, words: '' })
  }, 600_000)
})
