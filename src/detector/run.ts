import type { Letterbox } from '../boxes/letterbox.ts'
import { BoxletError } from '../errors.ts'
import type { RoleTensors } from '../families/family.ts'
import { type Contract, channelCount } from '../model/contract.ts'
import type { Tensor, TensorData } from '../model/tensor.ts'
import { extraTensor, pictureDims } from './input.ts'

/** One picture, ready to be fed. */
export interface PreparedPicture {
  at: Letterbox
  data: Float32Array | Uint16Array | Uint8Array | Int8Array
}

/**
 * The inputs of one run. Several pictures share a run when their inputs have one size; `batch` above their
 * number repeats the last, for files with a fixed batch axis.
 */
export function feeds(
  contract: Contract,
  pictures: readonly PreparedPicture[],
  batch = pictures.length,
): Map<string, Tensor> {
  const { input } = contract
  const first = pictures[0]!
  const placed = Array.from({ length: batch }, (_, i) => pictures[Math.min(i, pictures.length - 1)]!)
  const data = batch === 1 ? first.data : joined(placed.map((picture) => picture.data))
  const named = new Map<string, Tensor>([
    [
      input.name,
      {
        type: input.dtype,
        dims: pictureDims(input.layout, first.at.input, batch, channelCount(input.colour)),
        data,
      },
    ],
  ])
  for (const extra of contract.extraInputs) {
    named.set(
      extra.name,
      extraTensor(
        extra,
        placed.map(({ at }) => at),
      ),
    )
  }
  return named
}

function joined(parts: readonly PreparedPicture['data'][]): PreparedPicture['data'] {
  const first = parts[0]!
  const Kind = first.constructor as new (length: number) => typeof first
  const whole = new Kind(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

/** Outputs by role. @throws BoxletError MODEL_OUTPUT when the model gave no such output */
export function rolesOf(contract: Contract, outputs: ReadonlyMap<string, Tensor>): RoleTensors {
  const roles: RoleTensors = {}
  for (const [role, name] of Object.entries(contract.output.roles)) {
    const tensor = outputs.get(name)
    if (tensor === undefined) {
      throw new BoxletError(
        'MODEL_OUTPUT',
        `Expected an output "${name}" for ${role} but the model gave none.`,
      )
    }
    roles[role] = tensor
  }
  return roles
}

/**
 * The part of each output that belongs to one picture of a batch. An output without the batch axis cannot be
 * parted, so such models are run one picture at a time.
 */
export function partOfBatch(outputs: RoleTensors, index: number, batch: number): RoleTensors {
  if (batch === 1) {
    return outputs
  }
  return Object.fromEntries(
    Object.entries(outputs).map(([role, tensor]) => {
      if (tensor.dims[0] !== batch) {
        throw new BoxletError(
          'MODEL_OUTPUT',
          `Expected ${batch} parts for ${role} but received ${tensor.dims[0] ?? 'a scalar'}.`,
        )
      }
      const size = tensor.data.length / batch
      const data = tensor.data.subarray(index * size, (index + 1) * size) as TensorData
      return [role, { type: tensor.type, dims: [1, ...tensor.dims.slice(1)], data }]
    }),
  )
}
