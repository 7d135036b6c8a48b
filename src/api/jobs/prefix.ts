import { BoxletError } from '../../errors.ts'
import { JOB_DEFAULTS } from '../../jobs/defaults.ts'
import type { Service } from '../service.ts'

/** Objects below a prefix that are taken for pictures. */
const IS_PICTURE = /\.(?:jpe?g|jpe|jfif|png|webp|avif|gif|tiff?|svg)$/i

/**
 * The pictures below `s3://bucket/prefix`, as a manifest.
 *
 * @throws BoxletError REQUEST_INVALID
 */
export async function listPrefix(
  address: string,
  service: Service,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { 1: bucket = '', 2: prefix = '' } = /^s3:\/\/([^/]+)\/?(.*)$/s.exec(address) ?? []
  const list = service.options.blobStore?.list?.bind(service.options.blobStore)
  if (list === undefined) {
    throw new BoxletError(
      'REQUEST_INVALID',
      'Expected a list of pictures, since no object store can be listed here.',
    )
  }
  const lines: string[] = []
  for await (const { key } of list(bucket, prefix, { signal })) {
    if (IS_PICTURE.test(key)) {
      lines.push(JSON.stringify({ 'source-ref': `s3://${bucket}/${key}` }))
    }
    if (lines.length > JOB_DEFAULTS.mostManifestLines) {
      throw new BoxletError(
        'REQUEST_INVALID',
        `Expected at most ${JOB_DEFAULTS.mostManifestLines} pictures below the prefix but there are more.`,
      )
    }
  }
  if (lines.length === 0) {
    throw new BoxletError('IMAGE_NOT_FOUND', 'Expected pictures below the prefix but there are none.')
  }
  return new TextEncoder().encode(`${lines.join('\n')}\n`)
}
