import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Template } from '../../src/aws/template/cloudformation.ts'
import { foldTemplate } from '../../src/aws/template/fold.ts'
import { EXPECTED, stackFacts } from './expectations.ts'
import { terraform } from './tools.ts'

/** Providers that lie on this machine, for those who cannot download them. */
function pluginFolder(): string | undefined {
  const given = process.env.BOXLET_TERRAFORM_PLUGINS
  if (given !== undefined) return given
  const below = existsSync('/opt') ? readdirSync('/opt').map((name) => join('/opt', name)) : []
  return below.find((folder) => existsSync(join(folder, 'registry.terraform.io')))
}

interface Plan {
  planned_values: {
    root_module: {
      child_modules: { resources: { type: string; values: Record<string, unknown> }[] }[]
    }
  }
}

let folder: string
/** undefined when the provider cannot be had. */
let initialised: boolean | undefined

const run = (...args: string[]): string =>
  execFileSync(terraform as string, [`-chdir=${folder}`, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      TF_CLI_CONFIG_FILE: join(folder, 'none.tfrc'),
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    },
  })

beforeAll(() => {
  if (terraform === undefined) return
  folder = mkdtempSync(join(tmpdir(), 'boxlet-terraform-'))
  writeFileSync(join(folder, 'none.tfrc'), '')
  mkdirSync(join(folder, 'build'))
  writeFileSync(join(folder, 'build/boxlet-arm64.zip'), 'package')
  writeFileSync(
    join(folder, 'main.tf'),
    `provider "aws" {
  region                      = "eu-west-1"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}
module "detector" {
  source  = "${resolve(import.meta.dirname, '../../deploy/terraform')}"
  package = "build/boxlet-arm64.zip"
  bucket  = "packages"
  name    = "test"
}
output "endpoint" { value = module.detector.endpoint }
`,
  )
  const plugins = pluginFolder()
  try {
    run('init', '-input=false', ...(plugins === undefined ? [] : [`-plugin-dir=${plugins}`]))
    initialised = true
  } catch (error) {
    if (process.env.BOXLET_AWS_REQUIRED === '1') throw error
    process.stderr.write('SKIPPED for want of the AWS provider of terraform\n')
    initialised = false
  }
}, 180_000)
afterAll(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
})

describe.skipIf(terraform === undefined)('the Terraform module under terraform', () => {
  it('is well formed', ({ skip }) => {
    if (!initialised) skip()
    expect(JSON.parse(run('validate', '-json'))).toMatchObject({
      valid: true,
      error_count: 0,
      warning_count: 0,
    })
    expect(run('fmt', '-check', '-diff', resolve(import.meta.dirname, '../../deploy/terraform'))).toBe('')
  })

  it('plans what is expected', ({ skip }) => {
    if (!initialised) skip()
    run('plan', '-input=false', '-refresh=false', '-out=plan.bin')
    const plan = JSON.parse(run('show', '-json', 'plan.bin')) as Plan
    const resources = plan.planned_values.root_module.child_modules[0]!.resources
    const stack = resources.find(({ type }) => type === 'aws_cloudformation_stack')!.values
    const code = resources.find(({ type }) => type === 'aws_s3_object')!.values
    const template = JSON.parse(String(stack.template_body)) as Template
    const parameters = stack.parameters as Record<string, string>
    expect(parameters.CodeKey).toBe(code.key)
    expect(Object.keys(template.Resources).filter((name) => name.startsWith('Version'))).toEqual([
      `Version${String(code.key).slice('packages/'.length, 'packages/'.length + 12)}`,
    ])
    const defaults = Object.fromEntries(
      Object.entries(template.Parameters).map(([name, { Default }]) => [name, Default]),
    )
    const facts = stackFacts(foldTemplate(template, parameters), { ...defaults, ...parameters })
    expect(facts).toEqual({ ...EXPECTED, function: { ...EXPECTED.function, memory: '1769' } })
    expect(stack.capabilities).toEqual(['CAPABILITY_IAM'])
  })
})
