/**
 * A form with which a caller puts one picture into the bucket itself: requests to a function end at 6 MB.
 *
 * source  Amazon S3 API reference, "Creating a POST policy" and "Calculating a signature" (Signature Version 4)
 */
import { createHmac } from 'node:crypto'
import { jobId } from '../../../jobs/id.ts'
import type { UploadForm } from '../../../jobs/view.ts'
import type { Environment } from '../../../system/environment.ts'
import { UPLOADS } from './arrival.ts'

/** Of one picture, as the worker reads them. */
const MOST_BYTES = 50 * 2 ** 20
/** Long enough for a slow line, and short for whoever finds it in a log. */
const VALID_SECONDS = 900

export interface UploadOptions {
  env: Environment
  bucket: string
  tenant: string
  /** Name of the file, as the caller calls it; the end of the key. */
  name: string
  now?: number
}

export function uploadForm({ env, bucket, tenant, name, now = Date.now() }: UploadOptions): UploadForm {
  const key = `${UPLOADS}${encodeURIComponent(tenant)}/${jobId(now)}/${name}`
  const stamp = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const day = stamp.slice(0, 8)
  const region = env.AWS_REGION ?? 'us-east-1'
  const scope = `${day}/${region}/s3/aws4_request`
  const fields: Record<string, string> = {
    key,
    'x-amz-algorithm': 'AWS4-HMAC-SHA256',
    'x-amz-credential': `${env.AWS_ACCESS_KEY_ID}/${scope}`,
    'x-amz-date': stamp,
    ...(env.AWS_SESSION_TOKEN && { 'x-amz-security-token': env.AWS_SESSION_TOKEN }),
  }
  const expiresAt = new Date(now + 1000 * VALID_SECONDS).toISOString()
  const policy = Buffer.from(
    JSON.stringify({
      expiration: expiresAt,
      conditions: [
        { bucket },
        ...Object.entries(fields).map(([field, value]) => ({ [field]: value })),
        ['content-length-range', 1, MOST_BYTES],
      ],
    }),
  ).toString('base64')
  const signing = [day, region, 's3', 'aws4_request'].reduce<Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    Buffer.from(`AWS4${env.AWS_SECRET_ACCESS_KEY}`),
  )
  return {
    url: `https://${bucket}.s3.${region}.${region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'}/`,
    fields: {
      ...fields,
      policy,
      'x-amz-signature': createHmac('sha256', signing).update(policy).digest('hex'),
    },
    mostBytes: MOST_BYTES,
    expiresAt,
    picture: `s3://${bucket}/${key}`,
  }
}
