import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import type { CfnInclude } from 'aws-cdk-lib/cloudformation-include'
import { Construct } from 'constructs'

export interface BoxletDetectorProps {
  /** Name in the catalogue, or path of an .onnx or .tflite file; packaged while the app is synthesised. */
  readonly model?: string
  /** Path of a label file. */
  readonly labels?: string
  /** Names of copyleft or non-commercial licences of weights that you agree to. */
  readonly acceptLicences?: readonly string[]
  /** Where the model goes. Default: the first of zip, layer and s3 that has room for it. */
  readonly modelIn?: 'zip' | 'layer' | 's3'
  /** Path of a zip from `boxlet package`, instead of `model`. */
  readonly package?: string
  /** Path of a layer zip with the model, beside `package`. */
  readonly layer?: string
  /** Default: arm64. */
  readonly architecture?: 'arm64' | 'x86_64'
  /** Megabytes. Default: 1769, which buys one processor. */
  readonly memorySize?: number
  /** Default: iam. */
  readonly auth?: 'iam' | 'keys'
  /** Name of the SSM parameter with the Boxlet keys. */
  readonly keysParameter?: string
  /** Makes this bucket: pictures below incoming/ get results below results/. */
  readonly dataBucketName?: string
  /** Default: made from the path of the construct. */
  readonly functionName?: string
  /** Any other parameter of the template, see `boxlet template`. A list may be text with commas. */
  readonly parameters?: Readonly<Record<string, string | number | readonly string[]>>
}

/** `new BoxletDetector(this, 'Detector', { model: 'yolov8n', acceptLicences: ['AGPL-3.0'] })` */
export declare class BoxletDetector extends Construct {
  constructor(scope: Construct, id: string, props?: BoxletDetectorProps)
  /** HTTPS address of the service; undefined where the parameter `Front` is `none`. */
  readonly url: string | undefined
  /** ARN of the live alias. */
  readonly functionArn: string
  readonly functionName: string
  readonly function: IFunction
  /** All resources of the template, by their names there. */
  readonly include: CfnInclude
  /** Lets a principal call the endpoint with its AWS credentials. */
  grantInvoke(grantee: IGrantable): Grant
}
