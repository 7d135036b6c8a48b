import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { decodeImage } from './decode.ts'
import { jpegHeader } from './jpeg-header.ts'

const UPRIGHT = 1
const TURNED = 6

/** A JPEG of 400 × 200 with one EXIF segment for each orientation, in that order. */
async function photograph(...orientations: number[]): Promise<Uint8Array> {
  const plain = sharp({ create: { width: 400, height: 200, channels: 3, background: '#c02040' } })
  const files = await Promise.all(
    orientations.map((orientation) => plain.clone().withMetadata({ orientation }).jpeg().toBuffer()),
  )
  return Buffer.concat([
    Buffer.of(0xff, 0xd8),
    ...files.map(exifSegment),
    (await plain.clone().jpeg().toBuffer()).subarray(2),
  ])
}

/** The APP1 segment with its marker and length. */
function exifSegment(jpeg: Buffer): Buffer {
  const at = jpeg.indexOf('Exif\0\0') - 4
  expect(jpeg.readUInt16BE(at)).toBe(0xffe1)
  return jpeg.subarray(at, at + 2 + jpeg.readUInt16BE(at + 2))
}

const xmp = Buffer.from('\xff\xe1\0\x0chttp://ns\0', 'latin1')

describe('jpegHeader', () => {
  it.each([
    ['one segment', [TURNED], { width: 200, height: 400 }],
    ['turned, then upright', [TURNED, UPRIGHT], { width: 200, height: 400 }],
    ['upright, then turned', [UPRIGHT, TURNED], { width: 400, height: 200 }],
    ['a value that does not exist, then turned', [9, TURNED], { width: 400, height: 200 }],
  ])('takes the first EXIF segment as the decoder does: %s', async (_, orientations, upright) => {
    const bytes = await photograph(...orientations.map((value) => (value > 8 ? UPRIGHT : value)))
    if (orientations[0]! > 8) {
      overwriteOrientation(bytes, orientations[0]!)
    }
    expect(jpegHeader(bytes)?.upright).toEqual(upright)
    const { pixels, size } = await decodeImage(bytes)
    expect(size).toEqual(upright)
    const small = await decodeImage(bytes, { shrinkTo: { width: 40, height: 40 } })
    expect(small.size).toEqual(upright)
    expect(small.pixels.width < small.pixels.height).toBe(pixels.width < pixels.height)
    expect(small.pixels.width).toBeLessThan(pixels.width)
  })

  it('looks past XMP, which has the same marker', async () => {
    const bytes = await photograph(TURNED)
    const both = Buffer.concat([bytes.subarray(0, 2), xmp, bytes.subarray(2)])
    expect(jpegHeader(both)?.upright).toEqual({ width: 200, height: 400 })
  })
})

/** Writes a value into the orientation entry of the first EXIF segment. */
function overwriteOrientation(bytes: Uint8Array, value: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const tiff = buffer.indexOf('Exif\0\0') + 6
  const little = buffer.toString('latin1', tiff, tiff + 2) === 'II'
  const tag = buffer.indexOf(little ? Buffer.of(0x12, 0x01, 3, 0) : Buffer.of(0x01, 0x12, 0, 3), tiff)
  expect(tag).toBeGreaterThan(tiff)
  if (little) {
    buffer.writeUInt16LE(value, tag + 8)
  } else {
    buffer.writeUInt16BE(value, tag + 8)
  }
}
