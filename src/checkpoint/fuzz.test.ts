/** Damaged checkpoints are refused or converted, never crash and never hang; where checksums exist, none converts. */
import { readFileSync } from 'node:fs'
import { crc32, gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { archive, classifier, stream } from '../../test/support/checkpoint.ts'
import { BoxletError } from '../errors.ts'
import { convertCheckpoint } from './checkpoint.ts'
import { memorySource } from './source.ts'

/** Damaged files of each kind; `npm run soak -- checkpoints` is the long form. */
const RUNS = Number(process.env.BOXLET_TEST_SOAK ?? 400)
/** What a file may take in the long run, where a hang would otherwise only make it longer. */
const MOST_MS = 5_000
const golden = (name: string): Uint8Array =>
  gunzipSync(readFileSync(new URL(`goldens/${name}.pt.gz`, import.meta.url)))
const small = classifier()
const files = [archive(small.root, small.storages), golden('classify'), golden('levels'), golden('segment')]
const streams = [stream(small.root, small.storages)]

/** One to three bytes changed at random, half of them to values that make sizes and places extreme. */
const damage = fc.array(
  fc.record({
    place: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    change: fc.oneof(
      fc.nat({ max: 7 }).map((bit) => (byte: number) => byte ^ (1 << bit)),
      fc.constantFrom(0, 1, 127, 128, 255, 0x28, 0x52, 0x61, 0x62, 0x75, 0x81).map((byte) => () => byte),
    ),
  }),
  { minLength: 1, maxLength: 3 },
)

type Damage = { place: number; change: (byte: number) => number }[]

function damaged(file: Uint8Array, changes: Damage, from = 0, to = file.length): Uint8Array {
  const copy = file.slice()
  for (const { place, change } of changes) {
    const at = from + Math.floor(place * (to - from))
    copy[at] = change(copy[at]!)
  }
  return copy
}

/** Whether it was converted. */
function survives(file: Uint8Array): boolean {
  const started = performance.now()
  try {
    convertCheckpoint(memorySource(file)).onnx.finish()
    converted += 1
    return true
  } catch (error) {
    if (!(error instanceof BoxletError)) {
      throw error
    }
    return false
  } finally {
    tried += 1
    slowest = Math.max(slowest, performance.now() - started)
  }
}

let tried = 0
let converted = 0
/** Milliseconds of the file that took longest. */
let slowest = 0

afterAll(() => {
  if (process.env.BOXLET_TEST_SOAK !== undefined) {
    process.stdout.write(
      `${tried} damaged checkpoints, ${converted} converted, the slowest in ${slowest.toFixed(0)} ms\n`,
    )
    expect(slowest).toBeLessThan(MOST_MS)
  }
})

/** The pickle inside an archive: from where to where, and the places of its checksum. */
function pickleIn(file: Uint8Array): { start: number; end: number; checksums: number[] } {
  const text = Buffer.from(file.buffer, file.byteOffset, file.byteLength)
  const local = text.indexOf('data.pkl')
  const central = text.lastIndexOf('data.pkl')
  const head = text.lastIndexOf('PK\x03\x04', local, 'latin1')
  const directory = text.lastIndexOf('PK\x01\x02', central, 'latin1')
  const start = head + 30 + text.readUInt16LE(head + 26) + text.readUInt16LE(head + 28)
  return { start, end: start + text.readUInt32LE(directory + 24), checksums: [directory + 16] }
}

describe('a damaged checkpoint', { timeout: 3_600_000 }, () => {
  it('whose bytes do not fit their checksums is never converted into another', () => {
    const whole = files.map((file) => Buffer.from(convertCheckpoint(memorySource(file)).onnx.finish()))
    fc.assert(
      fc.property(fc.nat({ max: files.length - 1 }), damage, (index, changes) => {
        const file = damaged(files[index]!, changes)
        if (survives(file)) {
          // Bytes that nobody reads: padding, times and the names in the heads of entries.
          expect(whole[index]!.equals(convertCheckpoint(memorySource(file)).onnx.finish())).toBe(true)
        }
      }),
      { numRuns: RUNS },
    )
  })

  it('is refused or read where the checksum fits what was changed', () => {
    const parts = files.map(pickleIn)
    fc.assert(
      fc.property(fc.nat({ max: files.length - 1 }), damage, (index, changes) => {
        const { start, end, checksums } = parts[index]!
        const file = damaged(files[index]!, changes, start, end)
        const sum = crc32(file.subarray(start, end))
        for (const at of checksums) {
          new DataView(file.buffer, file.byteOffset).setUint32(at, sum, true)
        }
        survives(file)
      }),
      { numRuns: RUNS },
    )
  })

  it('in the stream form is refused or read', () => {
    fc.assert(
      fc.property(fc.constantFrom(...streams), damage, (file, changes) => {
        survives(damaged(file, changes))
      }),
      { numRuns: RUNS },
    )
  })

  it('that ends early is refused', () => {
    for (const file of [...files.slice(0, 1), ...streams]) {
      for (let length = 0; length < file.length; length += 37) {
        expect(survives(file.slice(0, length))).toBe(false)
      }
    }
  })

  it('of noise is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
        expect(survives(noise)).toBe(false)
        expect(survives(Uint8Array.from([0x50, 0x4b, 3, 4, ...noise]))).toBe(false)
      }),
    )
  })
})
