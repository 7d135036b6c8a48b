import { elementCount } from '../graph.ts'
import { corrupt, unsupported } from '../limits.ts'
import type { Operation } from '../operation.ts'
import { identity, type Order } from '../order.ts'
import { BATCH_MATMUL, FULLY_CONNECTED } from '../schema.ts'
import { bias, filter } from './convolution.ts'

/** inputs: data flattened to rows, weights as output by input, bias. */
export function fullyConnected(at: Operation): void {
  const options = at.options(FULLY_CONNECTED)
  if (options.weightsFormat !== 0) {
    throw unsupported('FULLY_CONNECTED with shuffled weights')
  }
  const width = at.shape(1)[1]
  if (at.rank(1) !== 2 || width === undefined || width === 0) {
    throw corrupt('weights of two axes for FULLY_CONNECTED', `[${at.shape(1).join(', ')}]`)
  }
  const rows = elementCount(at.shape(0)) / width
  if (!Number.isInteger(rows)) {
    throw corrupt(`rows of ${width} values for FULLY_CONNECTED`, `${rows} rows`)
  }
  const flat = [rows, width]
  const shape = at.shape(0)
  const isFlat = shape.length === 2 && shape[1] === width
  const scale = at.values.codeScale(at.index(0))
  // Codes are flattened before they are widened, so that the runtime still sees one quantized product.
  const x = isFlat
    ? at.real(0)
    : scale !== undefined && !at.isConstant(0)
      ? at.values.dequantize(
          at.node('Reshape', [at.values.codes(at.index(0), identity(shape.length)), at.graph.int64(flat)]),
          scale,
        )
      : at.node('Reshape', [at.real(0), at.graph.int64(flat)])
  const inputs = [x, filter(at, 1, [0, 1])]
  if (at.has(2)) {
    inputs.push(bias(at, 2, 0, 1))
  }
  const product = at.activated(at.node('Gemm', inputs, { transB: 1 }), options.activation)
  const to = at.outputTensor().shape
  const scaleOut = at.values.codeScale(at.outputIndex())
  if (to.length === 2) {
    at.give(product, [0, 1])
  } else if (scaleOut === undefined) {
    at.give(at.node('Reshape', [product, at.graph.int64(to)]), identity(to.length))
  } else {
    const codes = at.values.quantize(product, scaleOut)
    at.values.setCodes(at.outputIndex(), at.node('Reshape', [codes, at.graph.int64(to)]), identity(to.length))
  }
}

/** The last two axes multiply; either side may be taken with them swapped, which its order expresses. */
export function batchMatmul(at: Operation): void {
  const { adjX, adjY } = at.options(BATCH_MATMUL)
  const order = (input: number, swapped: boolean): Order => {
    const axes = identity(at.rank(input))
    const rank = axes.length
    return swapped ? [...axes.slice(0, rank - 2), rank - 1, rank - 2] : axes
  }
  at.expect(productShape(at, adjX, adjY))
  const name = at.node('MatMul', [at.real(0, order(0, adjX)), at.real(1, order(1, adjY))])
  at.give(name, identity(Math.max(at.rank(0), at.rank(1))))
}

function productShape(at: Operation, adjX: boolean, adjY: boolean): number[] {
  const [x, y] = [at.shape(0), at.shape(1)]
  if (x.length < 2 || y.length < 2) {
    throw corrupt('matrices for BATCH_MATMUL', 'vectors')
  }
  const batches = (x.length >= y.length ? x : y).slice(0, -2)
  const other = (x.length >= y.length ? y : x).slice(0, -2)
  const shift = batches.length - other.length
  const joined = batches.map((size, axis) => Math.max(size, other[axis - shift] ?? 1))
  return [...joined, x.at(adjX ? -1 : -2)!, y.at(adjY ? -2 : -1)!]
}
