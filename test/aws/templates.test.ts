import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { App, Stack } from 'aws-cdk-lib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { Template } from '../../src/aws/template/cloudformation.ts'
import { foldTemplate } from '../../src/aws/template/fold.ts'
import { samTemplate } from '../../src/aws/template/sam.ts'
import { buildTemplate } from '../../src/aws/template/template.ts'
import { CHOSEN, EXPECTED, EXPECTED_CHOSEN, stackFacts } from './expectations.ts'
import { cfnLint, samPython } from './tools.ts'

const root = resolve(import.meta.dirname, '../..')
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'boxlet-templates-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const cases = [
  ['nothing chosen', {}, EXPECTED],
  ['keys and a data bucket', CHOSEN, EXPECTED_CHOSEN],
] as const

const defaults = (template: Template): Record<string, unknown> =>
  Object.fromEntries(Object.entries(template.Parameters).map(([name, { Default }]) => [name, Default]))
const facts = (template: Template, known: Record<string, string>) =>
  stackFacts(foldTemplate(template, known), { ...defaults(template), ...known })

function lint(template: unknown): string {
  const path = join(folder, `${Math.random().toString(36).slice(2)}.json`)
  writeFileSync(path, JSON.stringify(template))
  try {
    return execFileSync(cfnLint as string, [path], { encoding: 'utf8' })
  } catch (error) {
    return String((error as { stdout?: string }).stdout)
  }
}

describe('the CloudFormation template', () => {
  it.each(cases)('gives what is expected with %s', (_name, known, expected) => {
    expect(facts(buildTemplate('abc'), { ...known })).toEqual(expected)
  })

  it('fits into the call that deploys it', () => {
    expect(Buffer.byteLength(JSON.stringify(buildTemplate('a'.repeat(64))))).toBeLessThan(51_200)
  })

  it('names another version for another package, and nothing else', () => {
    const [one, other] = [buildTemplate('a'.repeat(64)), buildTemplate('b'.repeat(64))]
    const names = (template: Template) => Object.keys(template.Resources)
    expect(names(one).filter((name) => !names(other).includes(name))).toEqual(['Versionaaaaaaaaaaaa'])
  })

  it('never lets results trigger the worker again', () => {
    const { Resources } = foldTemplate(buildTemplate(), CHOSEN)
    const text = JSON.stringify(Resources.DataBucket)
    expect(text).toContain('"Value":"incoming/"')
    expect(JSON.stringify(Resources.Worker)).toContain('"BOXLET_RESULT_PREFIX":"results/"')
    expect(JSON.stringify(Resources.WorkerRole)).toContain('/results/*')
  })

  it('refuses keys without a place for them', () => {
    expect(JSON.stringify(buildTemplate().Rules)).toContain('KeysParameter or KeysSecretArn')
  })

  it('allows nothing on all resources but what AWS has no other form for', () => {
    const all = foldTemplate(buildTemplate(), {
      ...CHOSEN,
      Tracing: 'Active',
      SubnetIds: 'subnet-1',
      SecurityGroupIds: 'sg-1',
    })
    const { roleActions } = stackFacts(all, defaults(all))
    expect(
      roleActions.filter((action) => action.endsWith('on everything')).map((action) => action.split(':')[0]),
    ).toEqual(['ec2', 'ec2', 'ec2', 'xray', 'xray'])
  })

  it.skipIf(cfnLint === undefined)('passes cfn-lint', () => {
    expect(lint(buildTemplate('abc'))).toBe('')
  })
})

describe('the SAM template', () => {
  it('is the one in deploy/sam', () => {
    expect(parse(readFileSync(join(root, 'deploy/sam/template.yaml'), 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(samTemplate('boxlet-arm64.zip'))),
    )
  })

  it.skipIf(cfnLint === undefined)('passes cfn-lint', () => {
    expect(lint(samTemplate('boxlet-arm64.zip'))).toBe('')
  })

  it.skipIf(samPython === undefined).each(cases)(
    'becomes what is expected with %s',
    (_name, known, expected) => {
      const translated = execFileSync(samPython as string, [join(import.meta.dirname, 'sam-translate.py')], {
        input: JSON.stringify(samTemplate('boxlet-arm64.zip')),
        encoding: 'utf8',
      })
      expect(facts(JSON.parse(translated) as Template, { ...known })).toEqual(expected)
    },
  )
})

describe('the CDK construct', () => {
  /** Built code, because the construct is what users import. */
  async function synthesise(props: Record<string, unknown>): Promise<Template> {
    const { BoxletDetector } = (await import('../../deploy/cdk/index.js')) as {
      BoxletDetector: new (scope: Stack, id: string, props: Record<string, unknown>) => unknown
    }
    const zip = join(folder, 'boxlet-arm64.zip')
    writeFileSync(zip, 'package')
    const app = new App({ outdir: mkdtempSync(join(folder, 'cdk-')) })
    const stack = new Stack(app, 'Stack')
    new BoxletDetector(stack, 'Detector', { package: zip, ...props })
    return app.synth().getStackByName('Stack').template as Template
  }

  it.each([
    ['nothing chosen', {}, EXPECTED],
    [
      'keys and a data bucket',
      { auth: 'keys', keysParameter: CHOSEN.KeysParameter, dataBucketName: CHOSEN.DataBucketName },
      EXPECTED_CHOSEN,
    ],
  ] as const)('gives what is expected with %s', async (_name, props, expected) => {
    const template = await synthesise({ ...props })
    expect(stackFacts({ ...template, Conditions: {} }, {})).toEqual(expected)
    if (cfnLint !== undefined) expect(lint(template)).toBe('')
  })

  it('adds no parameters to the stack', async () => {
    expect(Object.keys((await synthesise({})).Parameters)).toEqual(['BootstrapVersion'])
  })

  it('refuses keys without a place for them', async () => {
    await expect(synthesise({ auth: 'keys' })).rejects.toThrow('keysParameter')
  })
})

describe('the Terraform module', () => {
  it('carries the same template', () => {
    const carried = JSON.parse(readFileSync(join(root, 'deploy/terraform/template.json'), 'utf8')) as Template
    expect(carried).toEqual(JSON.parse(JSON.stringify(buildTemplate('PACKAGEHASH'))))
    for (const [, known, expected] of cases) expect(facts(carried, { ...known })).toEqual(expected)
  })
})
