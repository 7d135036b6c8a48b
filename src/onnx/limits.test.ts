import { describe, expect, it } from 'vitest'
import * as limit from './limits.ts'
import { readOnnx } from './read/reader.ts'
import { MessageWriter } from './write/message-writer.ts'

type Field = Uint8Array | Uint8Array[]
const message = (...fields: Field[]): Uint8Array => Buffer.concat(fields.flat())
const intField = (field: number, value: number) => new MessageWriter().int(field, value).finish()
const textField = (field: number, value: string) => new MessageWriter().text(field, value).finish()
const bytesField = (field: number, value: Uint8Array) => new MessageWriter().bytes(field, value).finish()
const model = (...graph: Field[]): Uint8Array => message(intField(1, 8), bytesField(7, message(...graph)))
const node = (...fields: Field[]): Uint8Array => bytesField(1, message(...fields))
const times = (count: number, field: Uint8Array): Uint8Array[] => Array.from({ length: count }, () => field)

describe('limits of the reader', () => {
  it.each([
    ['an empty file', new Uint8Array()],
    ['text', new TextEncoder().encode('<html>not found</html>')],
    ['a file that stops inside its graph', model(node(textField(4, 'Conv'))).subarray(0, 8)],
    ['a length beyond the end', Uint8Array.of(0x3a, 0xff, 0xff, 0xff, 0xff, 0x0f)],
    ['a number without end', new Uint8Array(64).fill(0xff)],
    ['two graphs', message(bytesField(7, new Uint8Array()), bytesField(7, new Uint8Array()))],
    ['a negative size', model(bytesField(5, message(intField(1, -1), intField(2, 1), textField(8, 'w'))))],
  ])('calls %s corrupt', (_, bytes) => {
    expect(() => readOnnx(bytes)).toThrow(expect.objectContaining({ code: 'MODEL_CORRUPT' }))
  })

  it.each([
    ['nodes', model(times(limit.MAX_NODES + 1, node()))],
    ['edges', model(node(times(limit.MAX_EDGES + 1, textField(1, ''))))],
    ['outputs', model(times(limit.MAX_GRAPH_OUTPUTS + 1, bytesField(12, new Uint8Array())))],
    ['initializers', model(times(limit.MAX_INITIALIZERS + 1, bytesField(5, intField(1, 0))))],
    ['inputs without a value', model(manyInputs())],
    ['fields of a tensor', model(bytesField(5, message(times(limit.MAX_TENSOR_FIELDS + 8, intField(3, 0)))))],
    ['bytes of a name', model(node(textField(4, 'x'.repeat(limit.MAX_NAME_BYTES + 1))))],
    ['axes', model(bytesField(5, message(times(limit.MAX_RANK + 1, intField(1, 1)))))],
    ['metadata', message(bytesField(14, textField(2, 'x'.repeat(limit.MAX_METADATA_BYTES + 1))))],
    ['graphs inside each other', model(nested(limit.MAX_GRAPH_DEPTH))],
  ])('refuses too many %s', (_, bytes) => {
    expect(() => readOnnx(bytes)).toThrow(expect.objectContaining({ code: 'MODEL_LIMIT' }))
  })

  it('refuses weights in another file', () => {
    const external = message(
      intField(1, 4),
      intField(2, 1),
      textField(8, 'w'),
      bytesField(13, new Uint8Array()),
    )
    expect(() => readOnnx(model(bytesField(5, external)))).toThrow(
      expect.objectContaining({ code: 'MODEL_UNSUPPORTED', message: expect.stringContaining('"w"') }),
    )
  })

  it('keeps names of built-ins as data', () => {
    const bytes = message(
      bytesField(14, message(textField(1, '__proto__'), textField(2, 'a'))),
      bytesField(7, node(textField(4, '__proto__'))),
    )
    const { metadata, ops } = readOnnx(bytes)
    expect(Object.entries(metadata)).toEqual([['__proto__', 'a']])
    expect(Object.entries(ops)).toEqual([['__proto__', 1]])
  })

  it('reads a Node Buffer that is part of a larger one', () => {
    const bytes = model(node(textField(4, 'Relu')))
    const pool = Buffer.concat([Buffer.alloc(7), bytes, Buffer.alloc(5)])
    expect(readOnnx(pool.subarray(7, 7 + bytes.length)).ops).toEqual({ Relu: 1 })
  })

  it('ends the walk over a graph that runs in a circle', () => {
    const circle = node(textField(1, 'a'), textField(2, 'a'), textField(4, 'Relu'))
    const output = bytesField(12, textField(1, 'a'))
    expect(readOnnx(model(circle, output)).tails.a?.ops).toEqual(['Relu'])
  })
})

const manyInputs = (): Uint8Array[] =>
  Array.from({ length: limit.MAX_REAL_INPUTS + 1 }, (_, i) => bytesField(11, textField(1, `x${i}`)))

/** A graph whose node holds a graph whose node holds … */
function nested(depth: number): Uint8Array {
  let inner = node()
  for (let level = 0; level < depth; level++) {
    const attribute = message(textField(1, 'body'), bytesField(6, inner))
    inner = node(textField(4, 'Loop'), bytesField(5, attribute))
  }
  return inner
}
