import type { Size } from '../../boxes/box.ts'
import type { TensorInfo } from '../../model/signature.ts'
import type { DecodeContext, RoleTensors } from '../family.ts'
import { fixed } from './shapes.ts'
import { lastAxes, mismatch, roleTensor, roleValues } from './values.ts'

/** A map of one stride as a file declares it. */
export interface DeclaredMap {
  output: TensorInfo
  channels: number
  channelsLast: boolean
}

/** The map of an output that has the cells of `stride`, channels on either side; undefined for any other shape. */
export function declaredMap(output: TensorInfo, input: Size, stride: number): DeclaredMap | undefined {
  const [, a, b, c] = (output.shape ?? []).map(fixed)
  if (output.shape?.length !== 4) {
    return undefined
  }
  const down = Math.ceil(input.height / stride)
  const across = Math.ceil(input.width / stride)
  if (b === down && c === across && a !== undefined) {
    return { output, channels: a, channelsLast: false }
  }
  return a === down && b === across && c !== undefined
    ? { output, channels: c, channelsLast: true }
    : undefined
}

/** Values of one map with the steps to the next channel and to the next cell. */
export interface MapValues {
  values: Float32Array
  across: number
  down: number
  step: number
  next: number
}

/** @throws BoxletError MODEL_OUTPUT when the map does not have these channels and the cells of the input */
export function mapValues(
  outputs: RoleTensors,
  context: DecodeContext,
  role: string,
  channels: number,
  stride: number,
): MapValues {
  const { input } = context.letterbox
  const down = Math.ceil(input.height / stride)
  const across = Math.ceil(input.width / stride)
  const isLast = context.contract.output.options.channelsLast === true
  const axes = lastAxes(roleTensor(outputs, role), 3, role)
  const expected = isLast ? [down, across, channels] : [channels, down, across]
  if (String(axes) !== String(expected)) {
    throw mismatch(`[${expected.join(', ')}] for "${role}"`, `[${axes.join(', ')}]`)
  }
  const values = roleValues(outputs, role, context)
  return isLast
    ? { values, across, down, step: 1, next: channels }
    : { values, across, down, step: across * down, next: 1 }
}

/** Whether a cell holds the most of itself and its eight neighbours: one peak for each object of a heat map. */
export function isPeak({ values, across, down, next }: MapValues, cell: number): boolean {
  const most = values[cell * next]!
  const column = cell % across
  const row = Math.floor(cell / across)
  for (let y = Math.max(0, row - 1); y <= Math.min(down - 1, row + 1); y++) {
    for (let x = Math.max(0, column - 1); x <= Math.min(across - 1, column + 1); x++) {
      if (values[(y * across + x) * next]! > most) {
        return false
      }
    }
  }
  return true
}
