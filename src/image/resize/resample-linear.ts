import type { Size } from '../../boxes/box.ts'
import { Kernel, type KernelMemory } from '../../system/kernel.ts'
import type { RgbImage } from '../rgb-image.ts'
import { BILINEAR_WASM } from './bilinear-wasm.ts'

/** Takes one finished row: three bytes a pixel, only valid until the call returns, and its number. */
export type RowSink = (row: Uint8Array, y: number) => void

/** OpenCV keeps weights in 11 bits. */
export const WEIGHT_ONE = 2048

/** Source position left of or above each output pixel and the weights of it and its right or lower neighbour. */
export interface LinearAxis {
  low: Int32Array
  high: Int32Array
  lowWeight: Int32Array
  highWeight: Int32Array
}

export function emptyAxis(length: number): LinearAxis {
  return {
    low: new Int32Array(length),
    high: new Int32Array(length),
    lowWeight: new Int32Array(length),
    highWeight: new Int32Array(length),
  }
}

export function setLinear(axis: LinearAxis, i: number, floor: number, fraction: number, from: number): void {
  axis.low[i] = Math.min(Math.max(floor, 0), from - 1)
  axis.high[i] = Math.min(Math.max(floor + 1, 0), from - 1)
  axis.lowWeight[i] = nearestEven(Math.fround(1 - fraction) * WEIGHT_ONE)
  axis.highWeight[i] = nearestEven(fraction * WEIGHT_ONE)
}

/** Rounds as the processor does by default: halves to the even neighbour. */
export function nearestEven(value: number): number {
  const low = Math.floor(value)
  const rest = value - low
  return rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low
}

/** Across into 19-bit integers, then down with OpenCV's truncating shifts; see `bilinear.wat`. */
export function bilinearRows(
  image: RgbImage,
  to: Size,
  across: LinearAxis,
  down: LinearAxis,
  sink: RowSink,
): void {
  const stride = image.width * 3
  const rows = new RowMemory(stride, across)
  // A Buffer takes far longer to give a part of itself than the plain array over the same memory.
  const data = new Uint8Array(image.data.buffer, image.data.byteOffset, image.data.byteLength)
  for (let y = 0; y < to.height; y++) {
    const low = down.low[y]!
    const high = down.high[y]!
    rows.place(data, low, high, stride)
    sink(rows.blend(down.lowWeight[y]!, down.highWeight[y]!), y)
  }
  kernel.trim()
}

/** The four lists of an axis, each with a number of four bytes for every pixel. */
const COLUMN_BYTES = 16
/** Vectors read and write one byte more than the three of a pixel. */
const SLACK = 1

interface BilinearKernel {
  memory: KernelMemory
  axis(from: number, to: number, drop: 0 | 1, out: number): void
  row(
    top: number,
    bottom: number,
    columns: number,
    width: number,
    above: number,
    below: number,
    out: number,
  ): void
}

const kernel = new Kernel<BilinearKernel>(BILINEAR_WASM)

/** Of the kernel, between pictures. */
export const heldBytes = (): number => kernel.heldBytes

/**
 * OpenCV's INTER_LINEAR: half-pixel centres, weights of eleven bits.
 *
 * @param dropOutside takes the fraction outside the picture for none, as OpenCV does across; down it repeats the row
 */
export function linearAxis(from: number, to: number, dropOutside: boolean): LinearAxis {
  const { memory, axis } = kernel.open(to * COLUMN_BYTES)
  axis(from, to, dropOutside ? 1 : 0, 0)
  const { buffer } = memory
  // Copies, since the next axis and the rows take the same memory.
  const list = (i: number): Int32Array => new Int32Array(buffer, i * to * 4, to).slice()
  return { low: list(0), high: list(1), lowWeight: list(2), highWeight: list(3) }
}

/** Two source rows, the lists of columns and one finished row, in the memory of the kernel. */
class RowMemory {
  readonly #kernel: BilinearKernel
  readonly #bytes: Uint8Array
  readonly #width: number
  readonly #top = 0
  readonly #bottom: number
  readonly #columns: number
  readonly #out: Uint8Array
  #topRow = -1
  #bottomRow = -1

  constructor(stride: number, { low, high, lowWeight, highWeight }: LinearAxis) {
    this.#width = low.length
    this.#bottom = aligned(stride + SLACK)
    this.#columns = this.#bottom + aligned(stride + SLACK)
    const outAt = this.#columns + aligned(this.#width * COLUMN_BYTES)
    this.#kernel = kernel.open(outAt + this.#width * 3 + SLACK)
    const { memory } = this.#kernel
    this.#bytes = new Uint8Array(memory.buffer)
    this.#out = this.#bytes.subarray(outAt, outAt + this.#width * 3)
    for (const [i, list] of [low, high, lowWeight, highWeight].entries()) {
      new Int32Array(memory.buffer, this.#columns + i * this.#width * 4, this.#width).set(list)
    }
  }

  /** Enlarging, neighbouring output rows share their source rows, which then lie there already. */
  place(data: Uint8Array, low: number, high: number, stride: number): void {
    if (this.#topRow !== low) {
      this.#bytes.set(data.subarray(low * stride, (low + 1) * stride), this.#top)
    }
    if (this.#bottomRow !== high) {
      this.#bytes.set(data.subarray(high * stride, (high + 1) * stride), this.#bottom)
    }
    this.#topRow = low
    this.#bottomRow = high
  }

  blend(above: number, below: number): Uint8Array {
    const out = this.#out.byteOffset
    this.#kernel.row(this.#top, this.#bottom, this.#columns, this.#width, above, below, out)
    return this.#out
  }
}

/** Rows and tables begin at multiples of 16, where vectors load fastest. */
const aligned = (bytes: number): number => (bytes + 15) & ~15
