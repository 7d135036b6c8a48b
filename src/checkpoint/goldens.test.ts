/** Every class and head against PyTorch, on small networks made by test/python/checkpoint_goldens.py and checkpoint_detr_goldens.py. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { missingRows, runGraph, type Values, worstDifference } from '../../test/support/npy.ts'
import { convertCheckpoint } from './checkpoint.ts'
import { memorySource } from './source.ts'

interface Expected {
  /** Null for networks with one head. */
  oneToOne: boolean | null
  outputs: { shape: number[]; data: string }[]
}

const folder = new URL('goldens/', import.meta.url)
const goldens: Record<string, Expected[]> = JSON.parse(readFileSync(new URL('expected.json', folder), 'utf8'))
const cases = Object.entries(goldens).flatMap(([name, heads]) =>
  heads.map(
    (head) =>
      [name, head.oneToOne === null ? '' : head.oneToOne ? ', one to one' : ', one to many', head] as const,
  ),
)

const EDGE = 32
/** Values 0 to 1 by a hash of their place, as in the script. */
const picture: Values = {
  shape: [1, 3, EDGE, EDGE],
  data: Float32Array.from(
    { length: 3 * EDGE * EDGE },
    (_, at) => (Math.imul(at, 2654435761) >>> 0) / 2 ** 32,
  ),
}
const TOLERANCE = { boxes: 2e-3, rest: 2e-4 }
/** Boxes of queries are shares of the picture, which would have 640 pixels. */
const SHARE_TOLERANCE = TOLERANCE.boxes / 640

const values = ({ shape, data }: Expected['outputs'][number]): Values => {
  const bytes = Buffer.from(data, 'base64')
  return {
    shape,
    data: new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)),
  }
}

describe('a network', () => {
  it.each(cases)('of %s%s gives what PyTorch gives', async (name, _, { oneToOne, outputs }) => {
    const file = gunzipSync(readFileSync(new URL(`${name}.pt.gz`, folder)))
    const size = { height: EDGE, width: EDGE }
    const options = oneToOne === null ? { size } : { size, oneToOne }
    const { onnx, head } = convertCheckpoint(memorySource(file), options)
    const results = await runGraph(onnx.finish(), picture)
    expect(results.length).toBe(outputs.length)
    for (const [i, output] of outputs.entries()) {
      const expected = values(output)
      if (oneToOne === true && i === 0) {
        expect(results[i]!.shape).toEqual(expected.shape)
        expect(missingRows(results[i]!, expected, TOLERANCE)).toBe(0)
      } else if (head.kind !== undefined) {
        expect(worstDifference(results[i]!, expected, false).rest).toBeLessThan(SHARE_TOLERANCE)
      } else {
        const { boxes, rest } = worstDifference(results[i]!, expected, i === 0 && expected.shape.length === 3)
        expect(boxes).toBeLessThan(TOLERANCE.boxes)
        expect(rest).toBeLessThan(name.startsWith('pose') ? TOLERANCE.boxes : TOLERANCE.rest)
      }
    }
  })
})
