import { BoxletError } from '../../errors.ts'
import type { DecodeContext, RoleTensors } from '../family.ts'
import { floats, type Tensor } from './tensor.ts'

/** How an integer output maps to real values: real = (stored − zeroPoint) · scale. */
export interface OutputQuantization {
  scale: number
  zeroPoint: number
}

function dequantize(data: Tensor['data'], { scale, zeroPoint }: OutputQuantization): Float32Array {
  const real = new Float32Array(data.length)
  for (let i = 0; i < data.length; i++) {
    real[i] = (Number(data[i]) - zeroPoint) * scale
  }
  return real
}

/**
 * The values of one role as float32, made real where the contract knows the scale of an integer output.
 *
 * cost    an integer head read without its scale puts every box off the picture and every score above 1
 * @throws BoxletError MODEL_OUTPUT when the model gave no tensor for the role
 */
export function roleValues(outputs: RoleTensors, role: string, context: DecodeContext): Float32Array {
  const table = context.contract.output.options.quantization as
    | Record<string, OutputQuantization | undefined>
    | undefined
  const tensor = roleTensor(outputs, role)
  const quantization = table?.[role]
  return quantization === undefined ? floats(tensor) : dequantize(tensor.data, quantization)
}

/** @throws BoxletError MODEL_OUTPUT when the model gave no tensor for the role */
export function roleTensor(outputs: RoleTensors, role: string): Tensor {
  const tensor = outputs[role]
  if (tensor === undefined) {
    throw new BoxletError(
      'MODEL_OUTPUT',
      `Expected an output tensor for the role "${role}" but received ${Object.keys(outputs).join(', ') || 'none'}.`,
      { hint: 'Set output.roles of the contract to the names of the model outputs.' },
    )
  }
  return tensor
}

/**
 * The last `rank` axes of a tensor of one picture: [1, 8400, 85] and [8400, 85] are the same table.
 *
 * @throws BoxletError MODEL_OUTPUT when axes before them hold more than one picture, or there are too few
 */
export function lastAxes(tensor: Tensor, rank: number, role: string): number[] {
  const lead = tensor.dims.slice(0, Math.max(0, tensor.dims.length - rank))
  if (tensor.dims.length < rank || lead.some((edge) => edge !== 1)) {
    throw new BoxletError(
      'MODEL_OUTPUT',
      `Expected ${rank} axes after a batch of one for "${role}" but received [${tensor.dims.join(', ')}].`,
      { hint: 'Check with "boxlet model inspect" that the contract names the right output.' },
    )
  }
  return tensor.dims.slice(tensor.dims.length - rank)
}

/** The one error for a head whose size does not fit the input; decoding on would shift every box. */
export function mismatch(expected: string, received: string): BoxletError {
  return new BoxletError('MODEL_OUTPUT', `Expected ${expected} but received ${received}.`, {
    hint: 'The contract does not fit this model; "boxlet model doctor" tries the alternatives.',
  })
}

/**
 * A class is a whole number in every row, and a score hardly ever is: rows of seven come with the two in either order.
 *
 * @param column of the class in rows of `columns`
 * @throws BoxletError MODEL_OUTPUT naming the family that has them the other way round
 */
export function checkClassColumn(
  values: Float32Array,
  columns: number,
  column: number,
  otherFamily: string,
): void {
  for (let at = column; at < values.length; at += columns) {
    const value = values[at]!
    if (Number.isFinite(value) && !Number.isInteger(value)) {
      throw mismatch(
        'whole numbers in the column of the class',
        `${value.toPrecision(3)}, a score as it seems: name the family that has them the other way round, --family ${otherFamily}`,
      )
    }
  }
}

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

/** Inverse of sigmoid, so that a threshold is compared with logits and only hits pay for an exponential. */
export const logit = (p: number): number => {
  if (p <= 0) {
    return Number.NEGATIVE_INFINITY
  }
  return p >= 1 ? Number.POSITIVE_INFINITY : Math.log(p / (1 - p))
}
