/** The stack in each form that people deploy, all reduced to the same facts. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { App, Stack } from 'aws-cdk-lib'
import type { Template } from '../../src/aws/template/cloudformation.ts'
import { samTemplate } from '../../src/aws/template/sam.ts'
import { buildTemplate } from '../../src/aws/template/template.ts'
import { type Facts, factsOf, STACK } from './templates-facts.ts'
import { samPython } from './tools.ts'

export type Chosen = Readonly<Record<string, string | number>>

const root = resolve(import.meta.dirname, '../..')

export const cloudFormationFacts = (chosen: Chosen): Facts => factsOf(buildTemplate('abc'), chosen)

/** What SAM's own translator makes of a template. */
export const translateSam = (template: Template): Template =>
  JSON.parse(
    execFileSync(samPython as string, [join(import.meta.dirname, 'sam-translate.py')], {
      input: JSON.stringify(template),
      encoding: 'utf8',
    }),
  ) as Template

let translated: Template | undefined
export function samFacts(chosen: Chosen): Facts {
  translated ??= translateSam(samTemplate('boxlet-arm64.zip'))
  return factsOf(translated, chosen)
}

export const terraformTemplate = (): Template =>
  JSON.parse(readFileSync(join(root, 'deploy/terraform/template.json'), 'utf8')) as Template
export const terraformFacts = (chosen: Chosen): Facts => factsOf(terraformTemplate(), chosen)

export interface Construct {
  url: string
  functionArn: string
  functionName: string
  grantInvoke(grantee: unknown): unknown
}
type Props = Record<string, unknown>

/** Built code, because the construct is what users import. */
export async function synthesise(
  folder: string,
  add: (stack: Stack, make: (id: string, props?: Props) => Construct) => void,
): Promise<Template> {
  const { BoxletDetector } = (await import('../../deploy/cdk/index.js')) as unknown as {
    BoxletDetector: new (scope: Stack, id: string, props: Props) => Construct
  }
  const app = new App({ outdir: mkdtempSync(join(folder, 'cdk-')) })
  const stack = new Stack(app, 'Stack')
  add(stack, (id, props = {}) => new BoxletDetector(stack, id, props))
  return app.synth().getStackByName('Stack').template as Template
}

/** A file that stands for a package or layer; CDK only copies and hashes it. */
export function packageFile(folder: string, content = 'package'): string {
  const path = join(folder, `${content}.zip`)
  writeFileSync(path, content)
  return path
}

/** Parameters of the template as properties of the construct. */
export function cdkProps(folder: string, chosen: Chosen): Props {
  const { Auth, KeysParameter, DataBucketName, MemorySize, Architecture, LayerKey, ...parameters } = chosen
  return {
    package: packageFile(folder),
    functionName: STACK,
    auth: Auth,
    keysParameter: KeysParameter,
    dataBucketName: DataBucketName,
    memorySize: MemorySize,
    architecture: Architecture,
    parameters,
    ...(LayerKey === undefined ? {} : { layer: packageFile(folder, `layer ${basename(String(LayerKey))}`) }),
  }
}

export async function cdkFacts(folder: string, chosen: Chosen): Promise<Facts> {
  const template = await synthesise(folder, (_stack, make) => make('Detector', cdkProps(folder, chosen)))
  return factsOf({ ...template, Conditions: {}, Parameters: {} }, {})
}

/** Without what names the package and the revision, in which the forms differ on purpose. */
export function alike(facts: Facts): Facts {
  const text = JSON.stringify(facts)
  return JSON.parse(
    text.replace(/"Description":"Boxlet [^,]*, revision [^,]*,/g, '"Description":"Boxlet,'),
  ) as Facts
}
