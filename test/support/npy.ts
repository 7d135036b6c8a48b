import { InferenceSession, Tensor } from 'onnxruntime-node'

/** Values with their shape, as NumPy keeps them. */
export interface Values {
  shape: readonly number[]
  data: Float32Array
}

/** An .npy file of float32 values, rows last. */
export function readNpy(bytes: Uint8Array): Values {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const start = 10 + head.readUInt16LE(8)
  const text = head.subarray(10, start).toString('latin1')
  if (!/'descr': '<f4', 'fortran_order': False/.test(text)) {
    throw new Error(`Expected float32 in rows but received ${text}.`)
  }
  const shape = [...(/'shape': \(([^)]*)\)/.exec(text)?.[1] ?? '').matchAll(/\d+/g)].map(Number)
  return { shape, data: new Float32Array(bytes.slice(start).buffer) }
}

/** All outputs of a graph with one input named `images`, in order. */
export async function runGraph(bytes: Uint8Array, picture: Values): Promise<Values[]> {
  const session = await InferenceSession.create(bytes)
  const results = await session.run({ images: new Tensor('float32', picture.data, picture.shape) })
  const outputs = session.outputNames.map((name) => results[name]!)
  await session.release()
  return outputs.map(({ dims, data }) => ({ shape: dims, data: data as Float32Array }))
}

/** Largest difference in the boxes, the first four of the rows [1, rows, cells], and in all else. */
export function worstDifference(
  received: Values,
  expected: Values,
  hasBoxes: boolean,
): { boxes: number; rest: number } {
  if (received.shape.join() !== expected.shape.join()) {
    throw new Error(`Expected [${expected.shape}] but received [${received.shape}].`)
  }
  const boxValues = hasBoxes ? 4 * (expected.shape[2] ?? 0) : 0
  let [boxes, rest] = [0, 0]
  for (const [i, value] of expected.data.entries()) {
    const difference = Math.abs(value - received.data[i]!)
    if (i < boxValues) {
      boxes = Math.max(boxes, difference)
    } else {
      rest = Math.max(rest, difference)
    }
  }
  return { boxes, rest }
}

/** Rows [1, rows, 6 + n] of which the expected ones have no like, in whatever order. */
export function missingRows(
  received: Values,
  expected: Values,
  tolerance: { boxes: number; rest: number },
): number {
  const columns = expected.shape[2] ?? 1
  const rowsOf = ({ data }: Values) =>
    Array.from({ length: data.length / columns }, (_, row) =>
      data.subarray(row * columns, (row + 1) * columns),
    )
  const known = rowsOf(expected)
  const isLike = (a: Float32Array, b: Float32Array) =>
    a.every((value, i) => Math.abs(value - b[i]!) <= (i < 4 ? tolerance.boxes : tolerance.rest))
  return rowsOf(received).filter((row) => !known.some((other) => isLike(row, other))).length
}
