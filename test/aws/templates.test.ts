import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { samTemplate } from '../../src/aws/template/sam.ts'
import { buildTemplate } from '../../src/aws/template/template.ts'
import { FULL, PLAIN } from './expectations.ts'
import { CHOSEN, EVERYTHING, WITH_JOBS } from './templates-choices.ts'
import type { Facts } from './templates-facts.ts'
import {
  alike,
  type Chosen,
  cdkFacts,
  cloudFormationFacts,
  samFacts,
  terraformFacts,
  terraformTemplate,
} from './templates-forms.ts'
import { samPython } from './tools.ts'

const root = resolve(import.meta.dirname, '../..')
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'boxlet-templates-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const cases: [name: string, chosen: Chosen][] = [
  ['nothing chosen', {}],
  ['keys and a data bucket', CHOSEN],
  ['an API for signed requests', { Front: 'http-api', CorsOrigins: 'https://a.example' }],
  ['no address', { Front: 'none' }],
  ['nothing to watch', { ...CHOSEN, Watch: 'none' }],
  ['everything chosen', EVERYTHING],
  ['jobs too', WITH_JOBS],
]

/** Resources whose whole content is expected elsewhere. */
const besides = (facts: Facts): Facts =>
  Object.fromEntries(
    Object.entries(facts).filter(([name]) => !/Role$|Alarm$|^Dashboard$|^QueuePolicy$/.test(name)),
  )

describe('the CloudFormation template', () => {
  it('gives exactly what is expected with nothing chosen', () => {
    expect(besides(alike(cloudFormationFacts({})))).toEqual(PLAIN)
  })

  it('gives exactly what is expected with everything chosen', () => {
    expect(besides(alike(cloudFormationFacts(EVERYTHING)))).toEqual(FULL)
  })

  it('opens the address to all only where the function asks for keys', () => {
    for (const Auth of ['iam', 'keys']) {
      const { Function: main, Url } = cloudFormationFacts({ Auth })
      const { ApiRoute } = cloudFormationFacts({ Auth, Front: 'http-api' })
      const open = Auth === 'keys' ? 'NONE' : 'AWS_IAM'
      expect(main).toMatchObject({ Environment: { Variables: { BOXLET_AUTH: Auth } } })
      expect(Url).toMatchObject({ AuthType: open })
      expect(ApiRoute).toMatchObject({ AuthorizationType: open })
    }
  })

  it('keeps a bucket with its pictures, but not one of a first deployment that failed', () => {
    const { Resources } = buildTemplate()
    expect(Resources.DataBucket).toMatchObject({
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
    })
  })

  it('makes no bucket where one exists, and lets no output name it as the own of the stack', () => {
    const taken = { ...CHOSEN, CreateDataBucket: 'false' }
    expect(Object.keys(cloudFormationFacts(CHOSEN))).toContain('DataBucket')
    expect(Object.keys(cloudFormationFacts(CHOSEN))).not.toContain('Arrivals')
    expect(Object.keys(cloudFormationFacts(taken))).not.toContain('DataBucket')
    expect(buildTemplate().Outputs.DataBucketName?.Condition).toBe('MakesBucket')
  })

  it('never lets results trigger the worker again', () => {
    const { DataBucket, Worker } = cloudFormationFacts(CHOSEN)
    const text = JSON.stringify(DataBucket)
    expect(text).toContain('"Rules":[{"Name":"prefix","Value":"incoming/"}]')
    expect(JSON.stringify(Worker)).toContain('"BOXLET_RESULT_PREFIX":"results/"')
  })

  it('has no preflight route without an API or without origins', () => {
    const names = (chosen: Chosen) => Object.keys(cloudFormationFacts(chosen))
    expect(names({ Front: 'http-api' })).not.toContain('ApiPreflight')
    expect(names({ CorsOrigins: '*' })).not.toContain('ApiPreflight')
  })

  it('fits into the object that the call which deploys it names', () => {
    expect(Buffer.byteLength(JSON.stringify(buildTemplate('a'.repeat(64))))).toBeLessThan(1_000_000)
  })
})

describe('the SAM template', () => {
  it('is the one in deploy/sam', () => {
    expect(parse(readFileSync(join(root, 'deploy/sam/template.yaml'), 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(samTemplate('boxlet-arm64.zip'))),
    )
  })

  it.skipIf(samPython === undefined).each(cases)('becomes the same stack with %s', (_name, chosen) => {
    // A layer is added by hand there.
    const { LayerKey: _layer, ...known } = chosen
    expect(alike(samFacts(known))).toEqual(alike(cloudFormationFacts(known)))
  })
})

describe('the CDK construct', () => {
  it.each(cases)('becomes the same stack with %s', async (_name, chosen) => {
    expect(alike(await cdkFacts(folder, chosen))).toEqual(alike(cloudFormationFacts(chosen)))
  })
})

describe('the Terraform module', () => {
  it('carries the same template', () => {
    expect(terraformTemplate()).toEqual(JSON.parse(JSON.stringify(buildTemplate('PACKAGEHASH'))))
  })

  it.each(cases)('carries the same stack with %s', (_name, chosen) => {
    expect(alike(terraformFacts(chosen))).toEqual(alike(cloudFormationFacts(chosen)))
  })
})
