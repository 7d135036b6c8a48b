import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { samTemplate } from '../../src/aws/template/sam.ts'
import { buildTemplate } from '../../src/aws/template/template.ts'
import { CHOSEN, EVERYTHING, WITH_JOBS } from './templates-choices.ts'
import { chosenOf } from './templates-chosen.ts'
import { type Chosen, cdkProps, synthesise, terraformTemplate, translateSam } from './templates-forms.ts'
import { cfnLint, samPython } from './tools.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'boxlet-lint-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Everything that cfn-lint has to say, and how it ended: a linter that fell over has found nothing. */
function lint(template: unknown): { status: number | null; words: string } {
  const path = join(folder, `${Math.random().toString(36).slice(2)}.json`)
  writeFileSync(path, JSON.stringify(template))
  const { status, stdout, stderr, error } = spawnSync(cfnLint as string, [path], { encoding: 'utf8' })
  return { status, words: `${stdout}${stderr}${error?.message ?? ''}` }
}
const FINE = { status: 0, words: '' }

const choices: [name: string, chosen: Chosen][] = [
  ['nothing chosen', {}],
  ['keys and a data bucket', CHOSEN],
  ['an API for signed requests', { Front: 'http-api', CorsOrigins: 'https://a.example' }],
  ['no address', { Front: 'none' }],
  ['nothing to watch', { ...CHOSEN, Watch: 'none' }],
  ['everything chosen', EVERYTHING],
  ['jobs too', WITH_JOBS],
]

describe.skipIf(cfnLint === undefined)('cfn-lint', () => {
  it('finds what is wrong', () => {
    const template = structuredClone(buildTemplate())
    template.Resources.Function!.Properties.MemorySizes = 1
    expect(lint(template).status).not.toBe(0)
    expect(lint(template).words).toContain('MemorySizes')
  })

  it('passes the CloudFormation template', () => {
    expect(lint(buildTemplate('abc'))).toEqual(FINE)
  })

  it.each(choices)('passes the CloudFormation template with %s', (_name, chosen) => {
    expect(lint(chosenOf(buildTemplate('abc'), chosen))).toEqual(FINE)
  })

  it('passes the template of the Terraform module', () => {
    expect(lint(terraformTemplate())).toEqual(FINE)
  })

  it('passes the SAM template', () => {
    expect(lint(samTemplate('boxlet-arm64.zip'))).toEqual(FINE)
  })

  it.skipIf(samPython === undefined)('passes what SAM makes of its template', () => {
    expect(lint(translateSam(samTemplate('boxlet-arm64.zip')))).toEqual(FINE)
  })

  it.each(choices)('passes what CDK makes of the construct with %s', async (_name, chosen) => {
    const template = await synthesise(folder, (_stack, make) => make('Detector', cdkProps(folder, chosen)))
    expect(lint(template)).toEqual(FINE)
  })
})
