/** Files made to hurt: each is refused by name, at once, and nothing in them runs. */
import { zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { archive, classifier, none, object, pickle } from '../../test/support/checkpoint.ts'
import { CHECKPOINT_ATTACKS, system } from '../../test/support/checkpoint-attacks.ts'
import { BoxletError, type ErrorCode } from '../errors.ts'
import { convertCheckpoint } from './checkpoint.ts'
import { memorySource } from './source.ts'

describe('a file made to hurt', () => {
  it.each(CHECKPOINT_ATTACKS)('with %s is refused', (_, code, make) => {
    const file = make()
    const started = process.cpuUsage()
    expect(refusal(file)).toBe(code)
    const { user, system: kernel } = process.cpuUsage(started)
    // An oracle for hangs, not a measure: the slowest takes a fifth of it on two busy cores.
    expect((user + kernel) / 1e6).toBeLessThan(5)
  })
})

describe('an archive made to hurt', () => {
  const plain = () => {
    const { root, storages } = classifier()
    return archive(root, storages)
  }

  it('is converted when it is left alone', () => {
    expect(refusal(plain())).toBeUndefined()
  })

  it('is refused with any bit of any entry changed', () => {
    const file = plain()
    const { storages } = classifier()
    for (const values of [pickle(classifier().root), ...Object.values(storages)]) {
      const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength)
      const at = Buffer.from(file).indexOf(bytes)
      expect(at).toBeGreaterThan(0)
      for (const share of [0, 0.5, 0.99]) {
        const damaged = file.slice()
        damaged[at + Math.floor(bytes.length * share)]! ^= 1
        expect(() => convertCheckpoint(memorySource(damaged))).toThrow('checksum')
      }
    }
  })

  it('is refused when it was cut off, and says so', () => {
    const file = plain()
    for (const share of [0.1, 0.5, 0.9, 0.999]) {
      expect(() => convertCheckpoint(memorySource(file.slice(0, file.length * share)))).toThrow('cut off')
    }
  })

  it('is refused when entries are compressed or lie over each other', () => {
    expect(refusal(zipSync({ 'best/data.pkl': pickle(none) }, { level: 9 }))).toBe('MODEL_UNSUPPORTED')
    const file = plain()
    const directory = Buffer.from(file).indexOf('PK\x01\x02', 0, 'latin1')
    const twice = file.slice()
    const next = Buffer.from(twice).indexOf('PK\x01\x02', directory + 4, 'latin1')
    twice.set(twice.slice(directory + 42, directory + 46), next + 42)
    expect(refusal(twice)).toBe('MODEL_CORRUPT')
  })

  it('is refused when its directory names places and counts without bounds', () => {
    for (const [offset, size] of [
      [8, 4],
      [10, 2],
      [12, 4],
      [16, 4],
    ] as const) {
      const file = plain()
      file.fill(0xff, file.length - 22 + offset, file.length - 22 + offset + size)
      expect(['MODEL_CORRUPT', 'MODEL_LIMIT']).toContain(refusal(file))
    }
  })
})

describe('objects of unknown classes', () => {
  it('stay data where the network does not need them', () => {
    const { root, storages } = classifier({
      facts: [
        ['transforms', object('dill._dill.Anything', [['run', system('touch pwned')]])],
        ['optimizer', system('touch pwned')],
      ],
    })
    expect(refusal(archive(root, storages))).toBeUndefined()
  })
})

function refusal(file: Uint8Array): ErrorCode | undefined {
  try {
    convertCheckpoint(memorySource(file)).onnx.finish()
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(BoxletError)
    return (error as BoxletError).code
  }
}
