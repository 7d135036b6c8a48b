import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Template } from '../../src/aws/template/cloudformation.ts'
import { CHOSEN, EVERYTHING } from './templates-choices.ts'
import { factsOf } from './templates-facts.ts'
import { alike, cloudFormationFacts } from './templates-forms.ts'
import { isRequired, terraform } from './tools.ts'

const MODULE = resolve(import.meta.dirname, '../../deploy/terraform')

/** Providers that lie on this machine, for those who cannot download them. */
function pluginFolder(): string | undefined {
  const given = process.env.BOXLET_TEST_TERRAFORM_PLUGINS
  if (given !== undefined) {
    return given
  }
  const below = existsSync('/opt') ? readdirSync('/opt').map((name) => join('/opt', name)) : []
  return below.find((folder) => existsSync(join(folder, 'registry.terraform.io')))
}

const { Auth, KeysParameter, DataBucketName, MemorySize, Architecture, LayerKey, ...others } = EVERYTHING
/** Variables of the module, by the name of a case. */
const CASES: Record<string, Record<string, unknown>> = {
  plain: {},
  again: {},
  chosen: { auth: Auth, keys_parameter: KeysParameter, data_bucket_name: DataBucketName },
  everything: {
    auth: Auth,
    keys_parameter: KeysParameter,
    data_bucket_name: DataBucketName,
    memory_size: MemorySize,
    architecture: Architecture,
    layer: 'build/layer.zip',
    parameters: Object.fromEntries(Object.entries(others).map(([name, value]) => [name, String(value)])),
  },
  package: { package: 'build/other.zip' },
  layer: { layer: 'build/layer.zip' },
  architecture: { architecture: 'x86_64' },
  memory_size: { memory_size: 512 },
  auth: { auth: 'keys', parameters: { KeysSecretArn: 'arn:a' } },
  keys_parameter: { keys_parameter: '/a' },
  parameters: { parameters: { CorsOrigins: 'https://a.example' } },
}

interface PlannedResource {
  type: string
  values: Record<string, unknown>
}
interface Plan {
  planned_values: { root_module: { child_modules: { address: string; resources: PlannedResource[] }[] } }
}

let folder: string
/** undefined when the provider cannot be had. */
let initialised: boolean | undefined
let plan: Plan

const run = (...args: string[]): string =>
  execFileSync(terraform as string, [`-chdir=${folder}`, ...args], {
    encoding: 'utf8',
    // Each plan carries the whole template.
    maxBuffer: 2 ** 28,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      TF_CLI_CONFIG_FILE: join(folder, 'none.tfrc'),
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    },
  })

/** What terraform says when it refuses; its lines are framed and broken anywhere. */
function refusal(...args: string[]): string {
  try {
    run('plan', '-input=false', '-refresh=false', ...args)
  } catch (error) {
    return String((error as { stderr?: string }).stderr).replace(/[\s│╷╵]+/g, ' ')
  }
  return ''
}

function configuration(): Record<string, unknown> {
  const module = { source: MODULE, package: 'build/package.zip', bucket: 'packages', name: 'test' }
  return {
    provider: {
      aws: {
        region: 'eu-west-1',
        skip_credentials_validation: true,
        skip_requesting_account_id: true,
        skip_metadata_api_check: true,
      },
    },
    variable: {
      auth: { default: 'iam' },
      architecture: { default: 'arm64' },
      memory_size: { default: 1769 },
    },
    module: {
      checked: {
        ...module,
        auth: `\${var.auth}`,
        architecture: `\${var.architecture}`,
        memory_size: `\${var.memory_size}`,
      },
      ...Object.fromEntries(
        Object.entries(CASES).map(([name, variables]) => [`case-${name}`, { ...module, ...variables }]),
      ),
    },
    output: { endpoint: { value: `\${module.checked.endpoint}` } },
  }
}

beforeAll(() => {
  if (terraform === undefined) {
    return
  }
  folder = mkdtempSync(join(tmpdir(), 'boxlet-terraform-'))
  writeFileSync(join(folder, 'none.tfrc'), '')
  mkdirSync(join(folder, 'build'))
  for (const name of ['package', 'other', 'layer']) {
    writeFileSync(join(folder, `build/${name}.zip`), name)
  }
  writeFileSync(join(folder, 'main.tf.json'), JSON.stringify(configuration()))
  const plugins = pluginFolder()
  try {
    run('init', '-input=false', ...(plugins === undefined ? [] : [`-plugin-dir=${plugins}`]))
    initialised = true
  } catch (error) {
    if (isRequired('terraform-provider-aws')) {
      throw error
    }
    process.stderr.write('SKIPPED for want of the AWS provider of terraform\n')
    initialised = false
    return
  }
  run('plan', '-input=false', '-refresh=false', '-out=plan.bin')
  plan = JSON.parse(run('show', '-json', 'plan.bin')) as Plan
}, 180_000)
afterAll(() => {
  if (folder !== undefined) {
    rmSync(folder, { recursive: true, force: true })
  }
})

const resources = (name: string): PlannedResource[] =>
  plan.planned_values.root_module.child_modules.find(({ address }) => address === `module.case-${name}`)!
    .resources
/** The template that the stack names by its address. */
const uploaded = (name: string): { key: string; content: string } => {
  const { values } = resources(name).find(
    ({ type, values }) => type === 'aws_s3_object' && /^templates\//.test(String(values.key)),
  )!
  return { key: String(values.key), content: String(values.content) }
}
const stackOf = (name: string) => {
  const { values } = resources(name).find(({ type }) => type === 'aws_cloudformation_stack')!
  return {
    template: JSON.parse(uploaded(name).content) as Template,
    parameters: values.parameters as Record<string, string>,
    capabilities: values.capabilities,
  }
}

describe.skipIf(terraform === undefined)('the Terraform module under terraform', () => {
  it('is well formed', ({ skip }) => {
    if (!initialised) {
      skip()
    }
    expect(JSON.parse(run('validate', '-json'))).toMatchObject({
      valid: true,
      error_count: 0,
      warning_count: 0,
    })
    expect(run('fmt', '-check', '-diff', MODULE)).toBe('')
  })

  it.for([
    ['plain', {}],
    ['chosen', CHOSEN],
    ['everything', EVERYTHING],
  ] as const)('plans the same stack as the others: %s', ([name, chosen], { skip }) => {
    if (!initialised) {
      skip()
    }
    const { template, parameters, capabilities } = stackOf(name)
    expect(alike(factsOf(template, parameters))).toEqual(alike(cloudFormationFacts(chosen)))
    expect(capabilities).toEqual(['CAPABILITY_IAM'])
  })

  it('hands over the address of a template, which may be larger than a call', ({ skip }) => {
    if (!initialised) {
      skip()
    }
    const { values } = resources('everything').find(({ type }) => type === 'aws_cloudformation_stack')!
    const { key, content } = uploaded('everything')
    expect(values.template_url).toMatch(new RegExp(`^https://[^/]+\\.s3\\.amazonaws\\.com/${key}$`))
    expect(Buffer.byteLength(content)).toBeLessThan(1_000_000)
  })

  it('uploads what the stack names', ({ skip }) => {
    if (!initialised) {
      skip()
    }
    const { parameters } = stackOf('everything')
    const keys = resources('everything')
      .filter(({ type }) => type === 'aws_s3_object')
      .map(({ values }) => values.key)
    expect(keys.sort()).toEqual([parameters.CodeKey, parameters.LayerKey, uploaded('everything').key].sort())
  })

  it('publishes another version for every other variable, and none where nothing changes', ({ skip }) => {
    if (!initialised) {
      skip()
    }
    const version = (name: string) => {
      const { template, parameters } = stackOf(name)
      return factsOf(template, parameters).Version?.Description
    }
    expect(version('again')).toBe(version('plain'))
    const names = Object.keys(CASES).filter((name) => name !== 'again')
    expect(new Set(names.map(version)).size).toBe(names.length)
  })

  it.for([
    ['auth=public', 'Expected iam or keys for auth'],
    ['auth=keys', 'Expected keys_parameter, or KeysSecretArn among parameters'],
    ['architecture=x86', 'Expected arm64 or x86_64'],
    ['memory_size=64', 'Expected 128 to 10240 megabytes'],
  ] as const)('refuses %s', ([variable, words], { skip }) => {
    if (!initialised) {
      skip()
    }
    expect(refusal(`-var=${variable}`)).toContain(words)
  })
})
