import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { BoxletError } from '../errors.ts'
import type { Dimension } from '../model/signature.ts'
import type { Tensor, TensorData } from '../model/tensor.ts'
import { runtimeReason } from './runtime-reason.ts'
import { turnOffTelemetry } from './telemetry.ts'

export interface SessionOptions {
  /** Threads of one run. */
  threads: number
  /**
   * Plans the memory of each input shape at its first run. A tenth more memory, and the second run pays for it again,
   * for a few hundredths of later runs; default true.
   */
  plansMemory?: boolean
  /** Keeps freed memory for the next run; default true. Without it a run takes what it needs and gives it back. */
  keepsMemory?: boolean
}

export interface SessionTensorInfo {
  name: string
  type: string
  shape: readonly Dimension[]
}

/** A loaded model that runs tensors. Outputs come as a Map: an object would reorder names such as "792". */
export interface Session {
  readonly inputs: readonly SessionTensorInfo[]
  readonly outputs: readonly SessionTensorInfo[]
  /**
   * @param into where outputs are to be written, by name; then only these are computed. A new tensor for each run is
   *   garbage that is not freed at once.
   */
  run(feeds: ReadonlyMap<string, Tensor>, into?: ReadonlyMap<string, Tensor>): Promise<Map<string, Tensor>>
  release(): Promise<void>
}

/**
 * Loads an ONNX model with ONNX Runtime on the processor.
 *
 * Spinning is off: idle threads that spin double the processor time of a run wherever less than the visible
 * processors may be used, which is every small Lambda.
 *
 * @throws BoxletError MODEL_RUN_FAILED when the runtime refuses the model
 */
export async function openSession(model: string | Uint8Array, options: SessionOptions): Promise<Session> {
  turnOffTelemetry()
  const runtime = await import('onnxruntime-node')
  let session: InferenceSession
  try {
    // The runtime takes a path or bytes under two signatures; narrowing picks the one that fits.
    const settings: InferenceSession.SessionOptions = {
      intraOpNumThreads: options.threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      enableMemPattern: options.plansMemory ?? true,
      enableCpuMemArena: options.keepsMemory ?? true,
      logSeverityLevel: 4,
      extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
    }
    session =
      typeof model === 'string'
        ? await runtime.InferenceSession.create(model, settings)
        : await runtime.InferenceSession.create(model, settings)
  } catch (cause) {
    throw new BoxletError(
      'MODEL_RUN_FAILED',
      `Expected a model that ONNX Runtime can load but received one where ${runtimeReason(cause, typeof model === 'string' ? model : undefined)}.`,
      {
        cause,
        hint: 'Export it again, with another opset if an operator is named.',
      },
    )
  }
  return new OrtSession(session, runtime.Tensor)
}

class OrtSession implements Session {
  readonly #session: InferenceSession
  readonly #tensor: typeof OrtTensor

  constructor(session: InferenceSession, tensor: typeof OrtTensor) {
    this.#session = session
    this.#tensor = tensor
  }

  get inputs(): readonly SessionTensorInfo[] {
    return this.#session.inputMetadata.map(info)
  }

  get outputs(): readonly SessionTensorInfo[] {
    return this.#session.outputMetadata.map(info)
  }

  async run(
    feeds: ReadonlyMap<string, Tensor>,
    into?: ReadonlyMap<string, Tensor>,
  ): Promise<Map<string, Tensor>> {
    const given = this.#wrapAll(feeds)
    const wanted = into && this.#wrapAll(into)
    let results: InferenceSession.ReturnType
    try {
      results = await (wanted === undefined ? this.#session.run(given) : this.#session.run(given, wanted))
    } catch (cause) {
      throw new BoxletError('MODEL_RUN_FAILED', `Expected the model to run but ${runtimeReason(cause)}.`, {
        cause,
        hint: 'Check input size, element type and extra inputs in its contract.',
      })
    }
    const names = into === undefined ? this.#session.outputNames : [...into.keys()]
    return new Map(names.map((name) => [name, unwrap(results[name]!)]))
  }

  async release(): Promise<void> {
    await this.#session.release()
  }

  #wrapAll(tensors: ReadonlyMap<string, Tensor>): Record<string, OrtTensor> {
    return Object.fromEntries([...tensors].map(([name, tensor]) => [name, this.#wrap(tensor)]))
  }

  #wrap({ type, data, dims }: Tensor): OrtTensor {
    const values = type === 'float16' ? asHalf(data as Uint16Array) : data
    // The constructor is typed per element type; the pair is one that the session asked for.
    const tensor = new this.#tensor(type as 'float32', values as Float32Array, [...dims])
    if (values !== data) {
      // The class takes a Float16Array alone, and the library behind it sees no elements in one.
      Object.defineProperty(tensor, 'data', { value: data })
    }
    return tensor
  }
}

/** Newer Nodes have Float16Array, and the runtime then takes nothing else. */
function asHalf(bits: Uint16Array): Uint16Array {
  const Half = (
    globalThis as { Float16Array?: new (b: ArrayBufferLike, o: number, n: number) => Uint16Array }
  ).Float16Array
  return Half === undefined ? bits : new Half(bits.buffer, bits.byteOffset, bits.length)
}

function unwrap(tensor: OrtTensor): Tensor {
  const data = tensor.data as TensorData
  if (tensor.type === 'float16' && !(data instanceof Uint16Array)) {
    const half = data as unknown as Uint16Array
    return {
      type: tensor.type,
      dims: tensor.dims,
      data: new Uint16Array(half.buffer, half.byteOffset, half.length),
    }
  }
  return { type: tensor.type, dims: tensor.dims, data }
}

function info(metadata: InferenceSession.ValueMetadata): SessionTensorInfo {
  return metadata.isTensor
    ? { name: metadata.name, type: metadata.type, shape: metadata.shape }
    : { name: metadata.name, type: 'other', shape: [] }
}
