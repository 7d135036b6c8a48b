import type * as v from 'valibot'
import { BoxletError } from '../../../errors.ts'
import type { Tensor } from '../../../model/tensor.ts'
import { joinBytes } from '../../../system/bytes.ts'
import { defined } from '../../../system/defined.ts'
import type { kserveAnswer } from './answer-schema.ts'
import { DATA_TYPES } from './datatype.ts'
import type { InferRequest } from './infer-request.ts'

/** An answer, ready to be sent. */
export interface InferAnswer {
  body: Uint8Array<ArrayBuffer>
  /** Bytes of JSON at its beginning, where tensors follow as bytes. */
  jsonBytes: number | undefined
}

/** Writes outputs as JSON, with the bytes of those that were asked for as bytes after it. */
export function inferAnswer(
  model: string,
  request: Pick<InferRequest, 'id' | 'outputs' | 'binaryByDefault'>,
  results: ReadonlyMap<string, Tensor>,
): InferAnswer {
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
  const answer: v.InferOutput<typeof kserveAnswer> = {
    model_name: model,
    model_version: '1',
    ...defined({ id: request.id }),
    outputs,
  }
  const json = JSON.stringify(answer)
  const header = new TextEncoder().encode(json)
  return raw.length === 0
    ? { body: header, jsonBytes: undefined }
    : { body: joinBytes([header, ...raw]), jsonBytes: header.byteLength }
}
