import { realType } from '../constants.ts'
import { unsupported } from '../limits.ts'
import type { Operation } from '../operation.ts'
import { identity } from '../order.ts'
import { ONE_HOT } from '../schema.ts'

/** A constant stays one, in the small type that the file has: exports of float16 widen every weight so. */
export function dequantize(at: Operation): void {
  if (at.isConstant(0)) {
    at.values.setConstantTensor(at.outputIndex(), at.tensor(0))
  } else {
    requantize(at)
  }
}

/** Reals pass, and giving them rounds to the codes of the output. */
export function requantize(at: Operation): void {
  const order = at.order(0)
  at.give(at.real(0, order), order)
}

export function cast(at: Operation): void {
  const order = at.order(0)
  const tensor = at.outputTensor()
  const type = realType(tensor)
  if (type === undefined) {
    throw unsupported(`CAST to ${tensor.type}`)
  }
  at.give(at.node('Cast', [at.real(0, order)], { to: { type: type } }), order)
}

/** inputs: indices, depth, value on, value off. */
export function oneHot(at: Operation): void {
  const rank = at.rank(0)
  const { axis } = at.options(ONE_HOT)
  const [classes = 0] = at.ints(1, 'the depth')
  at.expect([...at.shape(0), classes])
  const wide = at.node('Cast', [at.real(0)], { to: { type: 'int64' } })
  const one = at.graph.int64([1])
  const depth = at.node('Reshape', [at.real(1), one])
  const values = at.node(
    'Concat',
    [at.node('Reshape', [at.real(3), one]), at.node('Reshape', [at.real(2), one])],
    {
      axis: 0,
    },
  )
  at.give(at.node('OneHot', [wide, depth, values], { axis }), identity(rank + 1))
}
