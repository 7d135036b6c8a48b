import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/**
 * A file that is read where it is needed, so that a checkpoint of hundreds of megabytes never lies in memory
 * whole beside the model that is made of it.
 */
export interface ByteSource {
  readonly length: number
  /** Bytes from `start` to before `end`; fewer only when the file became shorter. The caller may change them. */
  read(start: number, end: number): Uint8Array
}

export const memorySource = (bytes: Uint8Array): ByteSource => ({
  length: bytes.length,
  // A copy at an even place: views of 2, 4 and 8 byte values are laid on it.
  read: (start, end) => new Uint8Array(bytes.subarray(start, end)),
})

/** A file as a source, of the size that it has now. @throws the error of the system when it cannot be opened */
export function openSource(path: string): { source: ByteSource; close: () => void } {
  const descriptor = openSync(path, 'r')
  return { source: fileSource(descriptor, fstatSync(descriptor).size), close: () => closeSync(descriptor) }
}

const fileSource = (descriptor: number, length: number): ByteSource => ({
  length,
  read(start, end) {
    const bytes = new Uint8Array(Math.max(0, Math.min(end, length) - start))
    let filled = 0
    while (filled < bytes.length) {
      const count = readSync(descriptor, bytes, filled, bytes.length - filled, start + filled)
      if (count === 0) {
        return bytes.subarray(0, filled)
      }
      filled += count
    }
    return bytes
  },
})
