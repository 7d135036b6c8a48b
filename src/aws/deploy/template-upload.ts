import { createHash } from 'node:crypto'
import { loadSdk } from '../clients/sdk.ts'
import { type AwsSession, awsFault } from './session.ts'

const sdk = () => loadSdk<typeof import('@aws-sdk/client-s3')>('@aws-sdk/client-s3')

/** Bytes of a template that a call itself may carry. Source: CloudFormation user guide, "Quotas". */
const MOST_BODY_BYTES = 51_200

/** A template as a call takes it, and what removes it again once CloudFormation has read it. */
export interface TemplateArgument {
  argument: { TemplateBody: string } | { TemplateURL: string }
  remove(): Promise<void>
}

/**
 * The template itself where it is short enough, else the address of a copy in the bucket of packages.
 *
 * @throws BoxletError FORBIDDEN, AWS_FAILED
 */
export async function templateArgument(
  { s3, region }: AwsSession,
  template: string,
  bucket: string | undefined,
): Promise<TemplateArgument> {
  if (bucket === undefined || Buffer.byteLength(template) <= MOST_BODY_BYTES) {
    return { argument: { TemplateBody: template }, remove: async () => {} }
  }
  const { PutObjectCommand, DeleteObjectCommand } = sdk()
  const Key = `templates/${createHash('sha256').update(template).digest('hex').slice(0, 16)}.json`
  const at = { Bucket: bucket, Key }
  await s3.send(new PutObjectCommand({ ...at, Body: template })).catch((cause) => {
    throw awsFault(`put the template into the bucket ${bucket}`, cause)
  })
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  return {
    argument: { TemplateURL: `https://${bucket}.s3.${region}.${suffix}/${Key}` },
    // A copy that stays does no harm, and the next plan writes it again.
    remove: async () => {
      await s3.send(new DeleteObjectCommand(at)).catch(() => {})
    },
  }
}
