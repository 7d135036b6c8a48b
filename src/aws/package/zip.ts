import { type AsyncZippable, zip } from 'fflate'
import { joinBytes } from '../../system/bytes.ts'

/** One file of a package. Names use `/` and are relative. */
export interface PackageFile {
  name: string
  bytes: Uint8Array
}

/**
 * A ZIP whose bytes depend on nothing but the files: entries sorted by name, one time stamp, one mode.
 * Deflate comes from a JavaScript library, since the zlib inside Node gives other bytes on other processors
 * and versions.
 */
export function reproducibleZip(files: readonly PackageFile[]): Promise<Uint8Array> {
  // ZIP holds local time without a zone, and the library takes the parts from the local clock.
  const mtime = new Date(1980, 0, 1)
  const entries: AsyncZippable = {}
  for (const { name, bytes } of [...files].sort(byName)) {
    entries[name] = [bytes, { level: 9, mtime, os: 3, attrs: FILE_MODE }]
  }
  return new Promise((resolve, reject) => {
    zip(entries, { level: 9, mtime }, (error, data) => (error === null ? resolve(data) : reject(error)))
  })
}

/** -rw-r--r--, where ZIP keeps Unix modes. Lambda runs as another user, so the files must be readable by all. */
const FILE_MODE = (0o100644 << 16) >>> 0

/** By code unit: a sort by locale would differ from machine to machine. */
const byName = (a: PackageFile, b: PackageFile): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)

/** End of central directory, without a comment as the library writes it. */
const END_BYTES = 22
const CENTRAL_BYTES = 46
const CENTRAL_SIGNATURE = 0x02014b50

/**
 * The entries of both zips in one, without compressing any of them again: deflating the libraries of a package takes
 * seconds.
 *
 * @param one made by `reproducibleZip`, as is `other`; no name is in both
 */
export function joinZips(one: Uint8Array, other: Uint8Array): Uint8Array {
  const [first, second] = [partsOf(one), partsOf(other)]
  moveEntries(second.central, first.local.length)
  const end = second.end.slice()
  const view = viewOf(end)
  const entries = viewOf(first.end).getUint16(10, true) + view.getUint16(10, true)
  view.setUint16(8, entries, true)
  view.setUint16(10, entries, true)
  view.setUint32(12, first.central.length + second.central.length, true)
  view.setUint32(16, first.local.length + second.local.length, true)
  return joinBytes([first.local, second.local, first.central, second.central, end])
}

/** Entries with their data, the directory of them (a copy), and its end. */
function partsOf(zip: Uint8Array): { local: Uint8Array; central: Uint8Array; end: Uint8Array } {
  const end = zip.subarray(zip.length - END_BYTES)
  const from = viewOf(end).getUint32(16, true)
  return { local: zip.subarray(0, from), central: zip.slice(from, zip.length - END_BYTES), end }
}

/** Adds to the place of each entry of a directory. */
function moveEntries(central: Uint8Array, by: number): void {
  const view = viewOf(central)
  for (let at = 0; at < central.length && view.getUint32(at, true) === CENTRAL_SIGNATURE; ) {
    view.setUint32(at + 42, view.getUint32(at + 42, true) + by, true)
    const [name, extra, comment] = [28, 30, 32].map((field) => view.getUint16(at + field, true))
    at += CENTRAL_BYTES + name! + extra! + comment!
  }
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
