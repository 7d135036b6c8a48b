import type { Size } from '../../boxes/box.ts'
import { BoxletError } from '../../errors.ts'
import { FORMAT_NAMES, type ImageFormat } from '../../system/sniff.ts'

/** The decoder library words its faults in its own terms and may name files; people get ours. */

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/**
 * Warnings that leave every pixel as it was meant: unknown tags, a few stray bytes between JPEG segments,
 * a questionable colour profile. Browsers show such pictures without a word.
 */
export function isHarmless(error: unknown): boolean {
  const lines = messageOf(error)
    .split('\n')
    .filter((line) => line.trim() !== '')
  const specific = lines.filter((line) => !GENERIC.test(line))
  return specific.length > 0 && specific.every((line) => HARMLESS.some((pattern) => pattern.test(line)))
}

/** Decoding was ended because it took too long. */
export const isOverTime = (error: unknown): boolean => /timeout:/i.test(messageOf(error))

export const overTime = (format: ImageFormat): BoxletError =>
  new BoxletError(
    'IMAGE_TOO_LARGE',
    `Expected a ${FORMAT_NAMES[format]} that is decoded within half a minute but this one takes longer.`,
    { hint: 'Save the picture again, as a plain JPEG or PNG of ordinary size.' },
  )

/** Says that there was a warning, not which. */
const GENERIC = /Warning treated as error due to failOn setting|^error in tile \d+ x \d+$/
const HARMLESS = [
  /Corrupt JPEG data: [1-9]\d? extraneous bytes before marker 0x(d9|e\w|fe|db)/,
  /Unknown Adobe color transform code/,
  /iCCP: |cHRM: |gAMA: |sRGB: |known incorrect sRGB profile/,
  /Unknown field with tag|tag ignored|TIFFReadDirectory: Warning|not sorted in ascending order/,
  /Incompatible type for/,
  /Sum of Photometric type-related color channels and ExtraSamples/,
]

export async function decodeError(
  error: unknown,
  bytes: Uint8Array,
  format: ImageFormat,
  declaredSize: () => Promise<Size | undefined>,
  maxPixels: number,
): Promise<BoxletError> {
  if (error instanceof BoxletError) {
    return error
  }
  const message = messageOf(error)
  const name = FORMAT_NAMES[format]
  if (/exceeds pixel limit/i.test(message)) {
    return tooLarge(await declaredSize(), maxPixels)
  }
  if (isOverTime(error)) {
    return overTime(format)
  }
  if (isCutShort(bytes, format) || /premature end of JPEG image|Unexpected end of GIF/.test(message)) {
    return new BoxletError(
      'IMAGE_TRUNCATED',
      `Expected a complete ${name} but received one that ends early.`,
      {
        hint: 'Fetch or copy the file again, or take what there is with the tolerant option.',
      },
    )
  }
  return new BoxletError('IMAGE_CORRUPT', `Expected a sound ${name} but received one with damaged data.`, {
    hint: 'Export or copy the picture again, or take what there is with the tolerant option.',
  })
}

export function tooLarge(size: Size | undefined, maxPixels: number): BoxletError {
  const received = size === undefined ? 'more' : `${size.width} × ${size.height}`
  return new BoxletError(
    'IMAGE_TOO_LARGE',
    `Expected at most ${maxPixels} pixels for a picture but received ${received}.`,
    {
      hint: 'Send a smaller picture or raise the pixel limit.',
      details: { maxPixels, ...size },
    },
  )
}

/** Whether the container itself says that more bytes should follow. */
export function isCutShort(bytes: Uint8Array, format: ImageFormat): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  switch (format) {
    case 'jpeg': {
      const scan = buffer.indexOf('\xff\xda', 2, 'latin1')
      return scan < 0 || buffer.lastIndexOf('\xff\xd9', undefined, 'latin1') < scan
    }
    case 'png':
      return !reachesChunk(buffer, 8, 'IEND')
    case 'webp':
      return buffer.length < 12 || buffer.readUInt32LE(4) + 8 > buffer.length
    case 'gif':
      return buffer[buffer.length - 1] !== 0x3b
    case 'tiff':
      return directoryBeyondEnd(buffer)
    case 'avif':
    case 'heic':
      return boxesBeyondEnd(buffer)
  }
}

function reachesChunk(buffer: Buffer, start: number, type: string): boolean {
  for (let at = start; at + 12 <= buffer.length; at += 12 + buffer.readUInt32BE(at)) {
    if (buffer.toString('latin1', at + 4, at + 8) === type) {
      return true
    }
  }
  return false
}

function directoryBeyondEnd(buffer: Buffer): boolean {
  if (buffer.length < 16) {
    return true
  }
  const little = buffer[0] === 0x49
  const big = buffer[little ? 2 : 3] === 0x2b
  if (big) {
    return Number(little ? buffer.readBigUInt64LE(8) : buffer.readBigUInt64BE(8)) + 8 > buffer.length
  }
  return (little ? buffer.readUInt32LE(4) : buffer.readUInt32BE(4)) + 2 > buffer.length
}

function boxesBeyondEnd(buffer: Buffer): boolean {
  let at = 0
  while (at + 8 <= buffer.length) {
    const size = buffer.readUInt32BE(at)
    if (size === 0) {
      return false
    }
    if (size < 8) {
      return size !== 1
    }
    at += size
  }
  return at !== buffer.length
}
