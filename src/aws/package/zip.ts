import { type AsyncZippable, zip } from 'fflate'

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
