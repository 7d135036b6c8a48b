import { BoxletError } from '../errors.ts'
import type { RoleTensors } from '../families/family.ts'
import type { Contract } from '../model/contract.ts'
import type { Tensor, TensorData } from '../model/tensor.ts'

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
