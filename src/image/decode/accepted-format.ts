import { BoxletError } from '../../errors.ts'
import { ALL_FORMATS, FORMAT_NAMES, type ImageFormat, sniff } from '../../system/sniff.ts'
import { HEIC_HINT } from './heic.ts'

/** Encoded bytes: an uncompressed 16-bit picture of 44 megapixels. Camera files are a tenth of it. */
export const DEFAULT_MAX_BYTES = 2 ** 28

/**
 * The format of a picture, from its first bytes.
 *
 * @throws BoxletError IMAGE_EMPTY, IMAGE_TOO_LARGE, IMAGE_FORMAT
 */
export function acceptedFormat(
  bytes: Uint8Array,
  {
    maxBytes = DEFAULT_MAX_BYTES,
    formats = ALL_FORMATS,
  }: { maxBytes?: number; formats?: readonly ImageFormat[] },
): ImageFormat {
  if (bytes.length === 0) {
    throw new BoxletError('IMAGE_EMPTY', 'Expected the bytes of a picture but received none.', {
      hint: 'Check that the file was written or sent completely.',
    })
  }
  if (bytes.length > maxBytes) {
    throw tooManyBytes(maxBytes, bytes.length)
  }
  const { format, name } = sniff(bytes)
  if (format !== undefined && formats.includes(format)) {
    return format
  }
  throw notRead(name, formats)
}

/** @param received where it is known before the picture was read */
export const tooManyBytes = (maxBytes: number, received?: number): BoxletError =>
  new BoxletError(
    'IMAGE_TOO_LARGE',
    `Expected at most ${maxBytes} bytes for a picture but received ${received ?? 'more'}.`,
    {
      hint: 'Send a smaller or more strongly compressed picture.',
      details: { maxBytes, ...(received !== undefined && { bytes: received }) },
    },
  )

export const notRead = (name: string, formats: readonly ImageFormat[] = ALL_FORMATS): BoxletError =>
  new BoxletError(
    'IMAGE_FORMAT',
    `Expected a ${listed(formats.filter((format) => format !== 'heic'))} picture but received ${withArticle(name)}.`,
    { hint: formatHint(name), details: { received: name } },
  )

function listed(formats: readonly ImageFormat[]): string {
  const names = formats.map((format) => FORMAT_NAMES[format])
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
}

/** Names that are things, not kinds of data, take an article: "an HTML page" but "JSON". */
const withArticle = (name: string): string =>
  / (page|document|archive|video|pointer|file)$|^program$|URL$/.test(name)
    ? `${/^([aeio]|HT)/i.test(name) ? 'an' : 'a'} ${name}`
    : name

function formatHint(name: string): string {
  if (/HEIC/.test(name)) {
    return HEIC_HINT
  }
  if (/base64|data URL/.test(name)) {
    return 'Decode the base64 text first and send the bytes.'
  }
  if (/HTML|JSON|XML|text/.test(name)) {
    return 'An address or server may have answered with a message, not a picture.'
  }
  if (/Git LFS/.test(name)) {
    return 'Run git lfs pull to fetch the picture itself.'
  }
  if (/PDF|PostScript|Photoshop/.test(name)) {
    return 'Export the page as PNG or JPEG.'
  }
  if (/video/.test(name)) {
    return 'Extract single frames as JPEG first.'
  }
  if (name === 'SVG') {
    return 'Export the drawing as PNG, at the size at which it is to be looked at.'
  }
  return 'Convert it to JPEG or PNG.'
}
