import { BoxletError } from '../../../errors.ts'
import type { Tensor } from '../../../model/tensor.ts'
import { defined } from '../../../system/defined.ts'
import { DATA_TYPES } from './datatype.ts'
import type { InferRequest } from './infer-request.ts'

/** Writes outputs as JSON, with the bytes of those that were asked for as bytes after it. */
export function inferAnswer(
  model: string,
  request: InferRequest,
  results: ReadonlyMap<string, Tensor>,
): Response {
  const wanted =
    request.outputs ?? [...results.keys()].map((name) => ({ name, binary: request.binaryByDefault }))
  const raw: Uint8Array[] = []
  const outputs = wanted.map(({ name, binary }) => {
    const tensor = results.get(name)
    const type = tensor && DATA_TYPES[tensor.type]
    if (tensor === undefined || type === undefined) {
      throw new BoxletError(
        'REQUEST_INVALID',
        `Expected an output of the model: ${[...results.keys()].join(', ')}.`,
      )
    }
    const common = { name, datatype: type.protocol, shape: [...tensor.dims] }
    if (!binary) {
      return { ...common, data: type.toJson(tensor.data) }
    }
    const { buffer, byteOffset, byteLength } = tensor.data
    raw.push(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength))
    return { ...common, parameters: { binary_data_size: byteLength } }
  })
  const json = JSON.stringify({
    model_name: model,
    model_version: '1',
    ...defined({ id: request.id }),
    outputs,
  })
  if (raw.length === 0) {
    return new Response(json, { headers: { 'content-type': 'application/json' } })
  }
  const header = new TextEncoder().encode(json)
  return new Response(new Blob([header, ...(raw as Uint8Array<ArrayBuffer>[])]), {
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(header.byteLength),
    },
  })
}
