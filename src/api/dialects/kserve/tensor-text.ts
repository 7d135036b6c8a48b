import type { RawTensorInfo } from '../../../detector/detectors.ts'
import type { Tensor } from '../../../model/tensor.ts'
import type { InferAnswer } from './infer-answer.ts'
import type { InferRequest } from './infer-request.ts'

/**
 * Reads and writes the bodies of tensor requests. A million numbers as text take a second, so that a service does it
 * beside the thread that answers; see `tensorTextInPlace` for where there is one request at a time anyway.
 */
export interface TensorText {
  /** @throws BoxletError REQUEST_INVALID */
  read(request: TensorRequest, owner: string, signal: AbortSignal): Promise<InferRequest>
  /** @throws BoxletError REQUEST_INVALID for an output that the model does not have */
  write(answer: TensorAnswer, owner: string, signal: AbortSignal): Promise<InferAnswer>
}

export interface TensorRequest {
  body: Uint8Array
  headerLength: string | undefined
  expected: readonly RawTensorInfo[]
}

export interface TensorAnswer {
  model: string
  request: Pick<InferRequest, 'id' | 'outputs' | 'binaryByDefault'>
  results: ReadonlyMap<string, Tensor>
}

export const tensorTextInPlace: TensorText = {
  async read({ body, headerLength, expected }) {
    const { parseInferRequest } = await import('./infer-request.ts')
    return parseInferRequest(body, headerLength, expected)
  },
  async write({ model, request, results }) {
    const { inferAnswer } = await import('./infer-answer.ts')
    return inferAnswer(model, request, results)
  },
}
