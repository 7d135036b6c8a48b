import { unzipSync } from 'fflate'
import { MAX_PACKED_FILE_BYTES, MAX_PACKED_FILES } from './limits.ts'

const END_MARK = [0x50, 0x4b, 0x05, 0x06]
const END_BYTES = 22
/** The end record may be followed by a comment of this length. */
const MAX_COMMENT = 0xffff

/**
 * Small files in a zip archive that is appended to a TFLite file: label maps, `metadata.json`. LiteRT does not
 * look at them, so an archive that cannot be read is as good as none.
 */
export function packedFiles(bytes: Uint8Array): Map<string, string> {
  const archive = appendedArchive(bytes)
  if (archive === undefined) {
    return new Map()
  }
  let seen = 0
  try {
    const files = unzipSync(archive, {
      filter: ({ name, originalSize }) =>
        ++seen <= MAX_PACKED_FILES && originalSize <= MAX_PACKED_FILE_BYTES && /\.(txt|json)$/i.test(name),
    })
    const decoder = new TextDecoder()
    return new Map(Object.entries(files).map(([name, data]) => [name, decoder.decode(data)]))
  } catch {
    return new Map()
  }
}

/** Offsets inside an archive count from its own first byte or from that of the file; the end record tells. */
function appendedArchive(bytes: Uint8Array): Uint8Array | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const first = Math.max(0, bytes.length - END_BYTES - MAX_COMMENT)
  for (let at = bytes.length - END_BYTES; at >= first; at--) {
    if (!END_MARK.every((byte, index) => bytes[at + index] === byte)) {
      continue
    }
    const start = at - view.getUint32(at + 12, true) - view.getUint32(at + 16, true)
    return start < 0 ? undefined : bytes.subarray(start)
  }
  return undefined
}
