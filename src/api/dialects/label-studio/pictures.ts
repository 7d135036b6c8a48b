import { BoxletError } from '../../../errors.ts'
import type { Call } from '../../call.ts'
import {
  fromBase64,
  fromBlob,
  fromUrl,
  type PictureSource,
  parseBlobRef,
} from '../../native/picture-sources.ts'
import type { FetchPicture } from '../../options.ts'
import type { Service } from '../../service.ts'

/** The Label Studio whose files are read: set by the operator, never by a request. */
export interface LabelStudioHost {
  /** Origin, such as `http://localhost:8080`. */
  origin: string
  /** Fetches from that origin with its token. */
  fetchPicture: FetchPicture
}

/**
 * The picture of a task: a path of Label Studio's own, an address, base64 or an object of S3.
 *
 * @throws BoxletError URL_REFUSED for a path where no Label Studio is set
 */
export function taskPicture(
  value: string,
  host: LabelStudioHost | undefined,
  service: Service,
  call: Call,
): PictureSource {
  if (value.startsWith('data:')) {
    return fromBase64('task', value, service)
  }
  if (value.startsWith('s3://')) {
    return fromBlob(value, parseBlobRef(value), service, call)
  }
  const isPath = value.startsWith('/')
  if (host !== undefined && (isPath || originOf(value) === host.origin)) {
    const { pictureBytes: maxBytes, fetchMs: timeoutMs } = service.limits
    // A path that begins with two slashes names another host.
    const address = new URL(value.replace(/^\/+/, '/'), host.origin)
    if (address.origin !== host.origin) {
      throw new BoxletError(
        'URL_REFUSED',
        'Expected a path of Label Studio but received the address of another host.',
      )
    }
    const url = address.href
    return {
      source: value,
      bytes: () => host.fetchPicture(url, { maxBytes, timeoutMs, signal: call.signal }),
    }
  }
  if (isPath) {
    throw new BoxletError(
      'URL_REFUSED',
      'Expected the address of a picture but received a path of Label Studio, whose address is not set.',
      {
        hint: 'Start the service with --label-studio http://HOST:8080 and its token in LABEL_STUDIO_API_KEY.',
      },
    )
  }
  return fromUrl(value, value, service, call)
}

const originOf = (value: string): string | undefined =>
  URL.canParse(value) ? new URL(value).origin : undefined
