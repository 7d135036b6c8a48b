/**
 * The stack of Boxlet as a CDK construct. It includes the very template that `boxlet deploy` deploys, so that
 * both give the same resources, and packages the model while the app is synthesised.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Fn, Names, Stack } from 'aws-cdk-lib'
import { Grant } from 'aws-cdk-lib/aws-iam'
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { Asset } from 'aws-cdk-lib/aws-s3-assets'
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include'
import { Construct } from 'constructs'
import { foldTemplate } from '../../dist/aws/template/fold.js'
import { buildTemplate } from '../../dist/aws/template/template.js'

const BOXLET = fileURLToPath(new URL('../../bin/boxlet.js', import.meta.url))

export class BoxletDetector extends Construct {
  constructor(scope, id, props = {}) {
    super(scope, id)
    const folder = mkdtempSync(join(tmpdir(), 'boxlet-cdk-'))
    const architecture = props.architecture ?? 'arm64'
    const zip = props.package ?? packageModel(props, architecture, folder)
    const code = new Asset(this, 'Package', { path: zip })
    const layer = props.layer === undefined ? undefined : new Asset(this, 'Layer', { path: props.layer })
    const hash = createHash('sha256').update(readFileSync(zip)).digest('hex')
    // Two detectors may stand in one stack, so the name of the stack alone would not do.
    this.functionName =
      props.functionName ?? Names.uniqueResourceName(this, { maxLength: 50, separator: '-' }).toLowerCase()
    const templateFile = join(folder, 'template.json')
    const chosen = {
      ...props.parameters,
      Architecture: architecture,
      LayerKey: layer?.s3ObjectKey,
      MemorySize: props.memorySize,
      Auth: props.auth,
      KeysParameter: props.keysParameter,
      DataBucketName: props.dataBucketName,
    }
    const known = Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined))
    if (known.Auth === 'keys' && !known.KeysParameter && !known.KeysSecretArn)
      throw new Error('Expected keysParameter for auth "keys" but received none.')
    const template = { ...foldTemplate(buildTemplate(hash), known), Rules: undefined }
    writeFileSync(templateFile, named(template, this.functionName))
    this.include = new CfnInclude(this, 'Template', {
      templateFile,
      preserveLogicalIds: false,
      // CDK would otherwise add a parameter to the stack for each one of the template.
      parameters: {
        ...parameterDefaults(template),
        ...Object.fromEntries(
          Object.entries(known).map(([name, value]) => [name, asParameter(template, name, value)]),
        ),
        CodeBucket: code.s3BucketName,
        CodeKey: code.s3ObjectKey,
      },
    })
    // Assets are staged and the template is read by now.
    rmSync(folder, { recursive: true, force: true })
    this.functionArn = this.include.getResource('Alias').ref
    this.url = Fn.getAtt(
      Stack.of(this).getLogicalId(this.include.getResource('Url')),
      'FunctionUrl',
    ).toString()
    this.function = LambdaFunction.fromFunctionAttributes(this, 'Live', {
      functionArn: this.functionArn,
      sameEnvironment: true,
    })
  }

  /** Lets a principal call the endpoint with its AWS credentials. */
  grantInvoke(grantee) {
    return Grant.addToPrincipal({
      grantee,
      actions: ['lambda:InvokeFunctionUrl', 'lambda:InvokeFunction'],
      resourceArns: [this.functionArn],
    })
  }
}

/** Synthesis is synchronous, so the package is built by a process that it waits for. */
function packageModel({ model, labels, acceptLicences = [] }, architecture, folder) {
  if (model === undefined)
    throw new Error('Expected model or package for BoxletDetector but received neither.')
  const args = [
    'package',
    '--model',
    model,
    '--arch',
    architecture,
    '--model-in',
    'zip',
    '--out',
    folder,
    '--format',
    'json',
  ]
  if (labels !== undefined) args.push('--labels', labels)
  for (const licence of acceptLicences) args.push('--accept-licence', licence)
  const done = spawnSync(process.execPath, [BOXLET, ...args], { encoding: 'utf8' })
  if (done.status !== 0) throw new Error(done.stderr.trim())
  return JSON.parse(done.stdout).files[0]
}

const asParameter = (template, name, value) =>
  template.Parameters[name].Type === 'CommaDelimitedList' ? String(value).split(',') : value

const parameterDefaults = (template) =>
  Object.fromEntries(
    Object.entries(template.Parameters).flatMap(([name, { Default }]) =>
      Default === undefined ? [] : [[name, asParameter(template, name, Default)]],
    ),
  )

/** Names are those of the construct; what has nothing left to substitute is plain text. */
const named = (template, name) =>
  JSON.stringify(template)
    .replaceAll(`\${AWS::StackName}`, name)
    .replaceAll('{"Ref":"AWS::StackName"}', JSON.stringify(name))
    .replace(/\{"Fn::Sub":("(?:[^"\\$]|\\.)*")\}/g, '$1')
