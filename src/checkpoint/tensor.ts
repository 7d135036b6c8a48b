import { fromHalves } from '../system/half.ts'
import { corrupt, MAX_RANK, unsupported } from './limits.ts'

export type ElementType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint8'
  | 'bool'

/** Bytes of one value. */
export const ELEMENT_BYTES: Record<ElementType, number> = {
  float32: 4,
  float64: 8,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
}

/** Classes of storages in `torch`. */
export const STORAGE_TYPES: ReadonlyMap<string, ElementType> = new Map([
  ['FloatStorage', 'float32'],
  ['DoubleStorage', 'float64'],
  ['HalfStorage', 'float16'],
  ['BFloat16Storage', 'bfloat16'],
  ['LongStorage', 'int64'],
  ['IntStorage', 'int32'],
  ['ShortStorage', 'int16'],
  ['CharStorage', 'int8'],
  ['ByteStorage', 'uint8'],
  ['BoolStorage', 'bool'],
])

/** Reads bytes of one storage, counted from its beginning. */
export type StorageReader = (from: number, to: number) => Uint8Array

/** Values that one or several tensors lie in. */
export class Storage {
  readonly type: ElementType
  readonly elements: number
  /** Set once the file tells where the values are; old files say so after the tensors. */
  read: StorageReader | undefined

  constructor(type: ElementType, elements: number, read?: StorageReader) {
    this.type = type
    this.elements = elements
    this.read = read
  }
}

/** A tensor as the pickle describes it; its values stay in the file until they are asked for. */
export class Tensor {
  readonly storage: Storage
  readonly shape: readonly number[]
  readonly #offset: number
  readonly #strides: readonly number[]

  /** @throws BoxletError MODEL_CORRUPT when a value would lie outside the storage */
  constructor(storage: Storage, offset: unknown, shape: unknown, strides: unknown) {
    const [start] = counts([offset])
    const sizes = counts(shape)
    const steps = counts(strides)
    if (sizes.length !== steps.length || sizes.length > MAX_RANK) {
      throw corrupt(
        `a tensor of at most ${MAX_RANK} axes`,
        `${sizes.length} sizes and ${steps.length} strides`,
      )
    }
    const last = sizes.reduce((sum, size, axis) => sum + Math.max(0, size - 1) * steps[axis]!, start!)
    if (!sizes.includes(0) && !(last < storage.elements)) {
      throw corrupt(`a tensor within its storage of ${storage.elements} values`, `one that ends at ${last}`)
    }
    this.storage = storage
    this.shape = sizes
    this.#offset = start!
    this.#strides = steps
  }

  get elements(): number {
    return this.shape.reduce((product, size) => product * size, 1)
  }

  /**
   * The values in the order of the axes, as float32: what PyTorch computes with after `model.float()`.
   *
   * @throws BoxletError MODEL_CORRUPT when values are missing, MODEL_UNSUPPORTED for an expanded tensor
   */
  values(): Float32Array {
    const { storage, elements } = this
    if (elements > storage.elements) {
      throw unsupported('tensors that hold each of their values', 'one that is expanded from a smaller one')
    }
    if (elements === 0) {
      return new Float32Array(0)
    }
    const bytes = ELEMENT_BYTES[storage.type]
    const span = this.#span()
    const raw = storage.read?.(this.#offset * bytes, (this.#offset + span) * bytes)
    if (raw === undefined || raw.length !== span * bytes) {
      throw corrupt(`${span} values of a tensor`, 'fewer in the file')
    }
    const flat = asFloat32(raw, storage.type)
    return this.#isDense() ? flat : this.#gather(flat)
  }

  /** Values from the first to the last that the tensor touches. */
  #span(): number {
    return this.shape.reduce((sum, size, axis) => sum + (size - 1) * this.#strides[axis]!, 1)
  }

  #isDense(): boolean {
    let step = 1
    for (let axis = this.shape.length - 1; axis >= 0; axis--) {
      if (this.shape[axis] !== 1 && this.#strides[axis] !== step) {
        return false
      }
      step *= this.shape[axis]!
    }
    return true
  }

  /** Transposed and channels-last tensors. */
  #gather(flat: Float32Array): Float32Array {
    const out = new Float32Array(this.elements)
    const index = this.shape.map(() => 0)
    let from = 0
    for (let at = 0; at < out.length; at++) {
      out[at] = flat[from]!
      for (let axis = this.shape.length - 1; axis >= 0; axis--) {
        from += this.#strides[axis]!
        if (++index[axis]! < this.shape[axis]!) {
          break
        }
        from -= this.#strides[axis]! * this.shape[axis]!
        index[axis] = 0
      }
    }
    return out
  }
}

/** Whole numbers from 0 on: sizes, strides and places. */
function counts(value: unknown): number[] {
  if (!Array.isArray(value) || !value.every((item) => Number.isSafeInteger(item) && (item as number) >= 0)) {
    throw corrupt('sizes and strides of a tensor', 'other values')
  }
  // The list of the pickle may grow after this check.
  return [...(value as number[])]
}

function asFloat32(raw: Uint8Array, type: ElementType): Float32Array {
  const length = raw.length / ELEMENT_BYTES[type]
  const aligned = raw.byteOffset % ELEMENT_BYTES[type] === 0 ? raw : raw.slice()
  const { buffer, byteOffset } = aligned
  switch (type) {
    case 'float32':
      return new Float32Array(buffer, byteOffset, length)
    case 'float16':
      return fromHalves(new Uint16Array(buffer, byteOffset, length))
    case 'bfloat16': {
      const bits = Uint32Array.from(new Uint16Array(buffer, byteOffset, length), (half) => half << 16)
      return new Float32Array(bits.buffer)
    }
    case 'float64':
      return Float32Array.from(new Float64Array(buffer, byteOffset, length))
    case 'int64':
      return Float32Array.from(new BigInt64Array(buffer, byteOffset, length), Number)
    case 'int32':
      return Float32Array.from(new Int32Array(buffer, byteOffset, length))
    case 'int16':
      return Float32Array.from(new Int16Array(buffer, byteOffset, length))
    case 'int8':
      return Float32Array.from(new Int8Array(buffer, byteOffset, length))
    default:
      return Float32Array.from(aligned)
  }
}
