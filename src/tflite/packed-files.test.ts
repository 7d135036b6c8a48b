import { zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { MAX_PACKED_FILE_BYTES, MAX_PACKED_FILES } from './limits.ts'
import { packedFiles } from './packed-files.ts'

const text = (value: string) => new TextEncoder().encode(value)

function behind(front: Uint8Array, archive: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(front.length + archive.length)
  bytes.set(front)
  bytes.set(archive, front.length)
  return bytes
}

describe('packedFiles', () => {
  it('reads an archive whose offsets count from its own start', () => {
    const archive = zipSync({ 'labelmap.txt': text('cat\ndog'), 'picture.png': text('no') })
    const files = packedFiles(behind(new Uint8Array(1000), archive))
    expect([...files]).toEqual([['labelmap.txt', 'cat\ndog']])
  })

  it('leaves files out that unpack to more than a label map can be', () => {
    const archive = zipSync({
      'bomb.txt': new Uint8Array(MAX_PACKED_FILE_BYTES + 1),
      'labels.txt': text('cat'),
    })
    expect(archive.length).toBeLessThan(20_000)
    expect([...packedFiles(archive).keys()]).toEqual(['labels.txt'])
  })

  it('stops after a number of files', () => {
    const many = Object.fromEntries(
      Array.from({ length: MAX_PACKED_FILES + 9 }, (_, at) => [`${at}.txt`, text('x')]),
    )
    expect(packedFiles(zipSync(many)).size).toBe(MAX_PACKED_FILES)
  })

  it('finds nothing in a file without an archive', () => {
    expect(packedFiles(new Uint8Array(100)).size).toBe(0)
    expect(packedFiles(new Uint8Array(0)).size).toBe(0)
  })
})
