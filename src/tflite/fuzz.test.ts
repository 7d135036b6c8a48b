/** Damaged TFLite files give a BoxletError or a model, never another error and never a long wait. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { corpusBytes, hasCorpus } from '../../test/support/corpus.ts'
import { BoxletError } from '../errors.ts'
import { readFlexMap } from './flexbuffer.ts'
import { packedFiles } from './packed-files.ts'
import { readTflite, tfliteToOnnx } from './tflite.ts'

const goldens: { model: string }[] = JSON.parse(
  readFileSync(new URL('operators.golden.json', import.meta.url), 'utf8'),
)
const graphs = goldens.map(({ model }) => new Uint8Array(Buffer.from(model, 'base64')))

/** One to three bytes changed at random, half of them to values that make offsets and counts extreme. */
const damage = fc.array(
  fc.record({
    place: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    change: fc.oneof(
      fc.nat({ max: 7 }).map((bit) => (byte: number) => byte ^ (1 << bit)),
      fc.constantFrom(0, 1, 127, 128, 255).map((byte) => () => byte),
    ),
  }),
  { minLength: 1, maxLength: 3 },
)

function damaged(
  file: Uint8Array,
  changes: { place: number; change: (byte: number) => number }[],
): Uint8Array {
  const copy = file.slice()
  for (const { place, change } of changes) {
    const at = Math.floor(place * copy.length)
    copy[at] = change(copy[at]!)
  }
  return copy
}

function survives(read: () => unknown): void {
  try {
    read()
  } catch (error) {
    expect(error).toBeInstanceOf(BoxletError)
  }
}

describe('damaged files', () => {
  it('with changed bytes are refused or converted', () => {
    fc.assert(
      fc.property(fc.constantFrom(...graphs), damage, (file, changes) => {
        survives(() => tfliteToOnnx(damaged(file, changes)))
      }),
      { numRuns: 10_000 },
    )
  })

  it('that end early are refused', () => {
    for (const graph of graphs.slice(0, 40)) {
      for (let length = 0; length < graph.length; length += 7) {
        survives(() => readTflite(graph.slice(0, length)))
      }
    }
  })

  it('of nothing but noise are refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
        expect(() => readTflite(noise)).toThrow(BoxletError)
        const marked = noise.slice()
        marked.set(
          [0x54, 0x46, 0x4c, 0x33].slice(0, Math.max(0, marked.length - 4)),
          Math.min(4, marked.length),
        )
        survives(() => readTflite(marked))
      }),
    )
  })

  it('give no options and no packed files that are not there', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        survives(() => readFlexMap(noise))
        expect(packedFiles(noise).size).toBe(0)
      }),
    )
  })
})

describe.skipIf(!hasCorpus)('damaged files of the corpus', () => {
  it.each([
    'blazeface-back-256',
    'yunet-120x160-full-integer',
    'yolo26n-320-int8-end2end',
    'ssd-mobilenet-v1-300-quant-metadata',
  ])('%s is refused or read', (name) => {
    const file = corpusBytes(`models/${name}.tflite`)
    fc.assert(
      fc.property(damage, fc.boolean(), (changes, near) => {
        // Structure lies at both ends; between them are weights, where a change is a change of weights.
        const squeezed = changes.map(({ place, change }) => ({
          place: near ? 1 - place * 0.05 : place * 0.001,
          change,
        }))
        survives(() => readTflite(damaged(file, squeezed)))
      }),
      { numRuns: 40 },
    )
    for (const share of [0.1, 0.5, 0.9, 0.999]) {
      survives(() => readTflite(file.slice(0, Math.floor(file.length * share))))
    }
  })
})
