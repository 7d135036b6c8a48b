import { BoxletError } from '../../errors.ts'
import type { DecodeContext } from '../family.ts'

/** A pyramid of more levels, or a finer one, is in no detector; a stride of 1e-9 would ask for endless cells. */
const MAX_LEVELS = 8
/** COCO whole-body has 133 keypoints, a hand 21, a face mesh 478. */
const MAX_KEYPOINTS = 1_000

/**
 * `output.options.strides` of the contract: pixels of the model input for each cell, level by level.
 *
 * @throws BoxletError CONTRACT_INVALID when they are missing without a default, or not whole numbers from 1
 */
export function strideOptions(context: DecodeContext, usual?: readonly number[]): readonly number[] {
  const strides = context.contract.output.options.strides ?? usual
  const isList = Array.isArray(strides) && strides.length > 0 && strides.length <= MAX_LEVELS
  if (!isList || !strides.every((stride) => Number.isInteger(stride) && stride >= 1)) {
    throw invalid('strides', `one to ${MAX_LEVELS} whole numbers from 1`, strides)
  }
  return strides
}

/**
 * `output.options[name]`: one list of numbers for each level.
 *
 * @throws BoxletError CONTRACT_INVALID when a level is missing or has another number of values
 */
export function levelOptions(
  context: DecodeContext,
  name: string,
  levels: number,
  each: number,
  usual?: readonly (readonly number[])[],
): readonly (readonly number[])[] {
  const lists = context.contract.output.options[name] ?? usual
  const fits = (list: unknown) =>
    Array.isArray(list) && list.length === each && list.every((value) => Number.isFinite(value))
  if (!Array.isArray(lists) || lists.length < levels || !lists.slice(0, levels).every(fits)) {
    throw invalid(name, `${each} numbers for each of ${levels} levels`, lists)
  }
  return lists
}

/**
 * `output.options[name]` as one whole number.
 *
 * @throws BoxletError CONTRACT_INVALID when it is missing without a default, or out of range
 */
export function wholeOption(
  context: DecodeContext,
  name: string,
  usual?: number,
  least = 1,
  most = MAX_KEYPOINTS,
): number {
  const value = context.contract.output.options[name] ?? usual
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw invalid(name, `a whole number from ${least} to ${most}`, value)
  }
  return value
}

function invalid(name: string, expected: string, received: unknown): BoxletError {
  const shown = received === undefined ? 'nothing' : JSON.stringify(received).slice(0, 80)
  return new BoxletError(
    'CONTRACT_INVALID',
    `Expected ${expected} for output.options.${name} but received ${shown}.`,
    { hint: '"boxlet model contract FILE" writes what was concluded for the model.' },
  )
}
