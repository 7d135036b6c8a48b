/**
 * What a gradient is multiplied by so that its length is at most `limit`: one picture with strange labels moves the
 * weights no further than others.
 *
 * source  Pascanu, Mikolov, Bengio: On the difficulty of training recurrent neural networks (2013), algorithm 1
 */
export const clipScale = (length: number, limit: number): number => (length > limit ? limit / length : 1)

/** Sum of squares; the partial sums of several parts add up to that of the whole. */
export function squaredLength(values: Float32Array): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) {
    sum += values[i]! * values[i]!
  }
  return sum
}
