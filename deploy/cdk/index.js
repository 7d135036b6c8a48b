/**
 * The stack of Boxlet as a CDK construct. It includes the very template that `boxlet deploy` deploys, so that
 * both give the same resources, and packages the model while the app is synthesised.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Fn, Names, RemovalPolicy, Size, Stack, Token } from 'aws-cdk-lib'
import { Grant } from 'aws-cdk-lib/aws-iam'
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda'
import { BlockPublicAccess, Bucket } from 'aws-cdk-lib/aws-s3'
import { Asset } from 'aws-cdk-lib/aws-s3-assets'
import { BucketDeployment, Source } from 'aws-cdk-lib/aws-s3-deployment'
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include'
import { Construct } from 'constructs'
import { brokenRules, foldTemplate } from '../../dist/aws/template/fold.js'
import { revisionOf } from '../../dist/aws/template/revision.js'
import { storageMbFor } from '../../dist/aws/template/storage.js'
import { buildTemplate } from '../../dist/aws/template/template.js'

const BOXLET = fileURLToPath(new URL('../../bin/boxlet.js', import.meta.url))

export class BoxletDetector extends Construct {
  constructor(scope, id, props = {}) {
    super(scope, id)
    const folder = mkdtempSync(join(tmpdir(), 'boxlet-cdk-'))
    const architecture = props.architecture ?? 'arm64'
    const built = props.package === undefined ? packageModel(props, architecture, folder) : given(props)
    const code = new Asset(this, 'Package', { path: built.zip })
    const layer = built.layer === undefined ? undefined : new Asset(this, 'Layer', { path: built.layer })
    const modelLocation = built.model === undefined ? undefined : storeModel(this, built.model)
    // Two detectors may stand in one stack, so the name of the stack alone would not do.
    this.functionName =
      props.functionName ?? Names.uniqueResourceName(this, { maxLength: 50, separator: '-' }).toLowerCase()
    const templateFile = join(folder, 'template.json')
    const chosen = {
      ...props.parameters,
      Architecture: architecture,
      LayerKey: layer?.s3ObjectKey,
      ModelLocation: modelLocation ?? props.parameters?.ModelLocation,
      EphemeralStorage:
        props.parameters?.EphemeralStorage ?? (built.model && storageMbFor(built.model.bytes)),
      MemorySize: props.memorySize ?? props.parameters?.MemorySize,
      Auth: props.auth ?? props.parameters?.Auth,
      KeysParameter: props.keysParameter ?? props.parameters?.KeysParameter,
      DataBucketName: props.dataBucketName ?? props.parameters?.DataBucketName,
    }
    const known = Object.fromEntries(
      Object.entries(chosen).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, Array.isArray(value) ? commas(value) : value]],
      ),
    )
    const whole = buildTemplate()
    const unknown = Object.keys(known).find((name) => !(name in whole.Parameters))
    if (unknown !== undefined) {
      throw new Error(`Expected parameters of the template but received "${unknown}".`)
    }
    const broken = brokenRules(whole, known)
    if (broken.length > 0) {
      throw new Error(broken.join(' '))
    }
    const packageHash = createHash('sha256').update(readFileSync(built.zip)).digest('hex')
    // Values that are known at deployment only count by the place that they come from.
    known.Revision ??= revisionOf(packageHash, Stack.of(this).resolve(known))
    const template = { ...foldTemplate(whole, known), Rules: undefined }
    writeFileSync(templateFile, settled(template, this.functionName, known))
    this.include = new CfnInclude(this, 'Template', {
      templateFile,
      preserveLogicalIds: false,
      // CDK would otherwise add a parameter to the stack for each one of the template.
      parameters: {
        ...parameterDefaults(template),
        ...known,
        CodeBucket: code.s3BucketName,
        CodeKey: code.s3ObjectKey,
      },
    })
    // Assets are staged and the template is read by now.
    rmSync(folder, { recursive: true, force: true })
    this.functionArn = this.include.getResource('Alias').ref
    this.url = this.#address(known.Front ?? 'url')
    this.function = LambdaFunction.fromFunctionAttributes(this, 'Live', {
      functionArn: this.functionArn,
      sameEnvironment: true,
    })
  }

  #address(front) {
    const stack = Stack.of(this)
    const idOf = (name) => stack.getLogicalId(this.include.getResource(name))
    if (front === 'http-api') {
      return Fn.sub(`https://\${${idOf('Api')}}.execute-api.\${AWS::Region}.\${AWS::URLSuffix}/`)
    }
    return front === 'url' ? Fn.getAtt(idOf('Url'), 'FunctionUrl').toString() : undefined
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

const commas = (values) => (Token.isUnresolved(values) ? Fn.join(',', values) : values.join(','))

const given = ({ package: zip, layer }) => ({ zip, layer, model: undefined })

/** Synthesis is synchronous, so the package is built by a process that it waits for. */
function packageModel({ model, labels, modelIn, layer, acceptLicences = [] }, architecture, folder) {
  if (model === undefined) {
    throw new Error('Expected model or package for BoxletDetector but received neither.')
  }
  const args = ['package', '--model', model, '--arch', architecture, '--out', folder, '--format', 'json']
  if (modelIn !== undefined) {
    args.push('--model-in', modelIn)
  }
  if (labels !== undefined) {
    args.push('--labels', labels)
  }
  for (const licence of acceptLicences) {
    args.push('--accept-licence', licence)
  }
  const done = spawnSync(process.execPath, [BOXLET, ...args], { encoding: 'utf8' })
  if (done.status !== 0) {
    throw new Error(done.stderr.trim() || String(done.error ?? done.signal))
  }
  const { files, model: packaged } = JSON.parse(done.stdout)
  const [zip, beside] = files
  return {
    zip,
    layer: packaged?.place === 'layer' ? beside : layer,
    model:
      packaged?.place === 's3'
        ? { folder: dirname(beside), hash: packaged.sha256, bytes: packaged.bytes }
        : undefined,
  }
}

/** A model that is too large for package and layer. The function may start only when it lies there. */
function storeModel(scope, { folder, hash }) {
  const bucket = new Bucket(scope, 'Models', {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    removalPolicy: RemovalPolicy.DESTROY,
    autoDeleteObjects: true,
  })
  const { deployedBucket } = new BucketDeployment(scope, 'Model', {
    sources: [Source.asset(folder)],
    destinationBucket: bucket,
    destinationKeyPrefix: hash,
    // A version before, which may come back, has its own model.
    prune: false,
    retainOnDelete: true,
    memoryLimit: 1024,
    ephemeralStorageSize: Size.gibibytes(4),
  })
  return `${deployedBucket.bucketName}/${hash}`
}

const parameterDefaults = (template) =>
  Object.fromEntries(
    Object.entries(template.Parameters).flatMap(([name, { Default }]) =>
      Default === undefined ? [] : [[name, Default]],
    ),
  )

/**
 * The template as text with the name of the construct and with all values that are plain text; what CDK alone can
 * resolve is left to it. A substitution with nothing left to substitute becomes plain text.
 */
function settled(template, name, known) {
  const values = Object.entries({ ...parameterDefaults(template), ...known, 'AWS::StackName': name })
  const plain = values.filter(([, value]) => !String(value).includes('${'))
  const text = plain.reduce(
    (found, [key, value]) => found.replaceAll(`\${${key}}`, JSON.stringify(String(value)).slice(1, -1)),
    JSON.stringify(template),
  )
  return text
    .replaceAll('{"Ref":"AWS::StackName"}', JSON.stringify(name))
    .replace(/\{"Fn::Sub":("(?:[^"\\$]|\\.)*")\}/g, '$1')
}
