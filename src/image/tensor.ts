import type { Letterbox } from '../boxes/letterbox.ts'
import { BoxletError } from '../errors.ts'
import {
  type Colour,
  type ContractInput,
  channelCount,
  type Geometry,
  type InputType,
  type Layout,
} from '../model/contract.ts'
import { toHalf } from '../system/half.ts'
import { resample } from './resize/resample.ts'
import type { RowSink } from './resize/resample-linear.ts'
import type { RgbImage } from './rgb-image.ts'

export type InputTensor = Float32Array | Uint16Array | Uint8Array | Int8Array

/** What `toTensor` reads of a contract's input. */
export type TensorFormat = Pick<
  ContractInput,
  'layout' | 'dtype' | 'quantization' | 'colour' | 'mean' | 'std'
> & {
  geometry: Pick<Geometry, 'pad' | 'resample'>
}

/**
 * Resizes, pads, orders, normalises and converts a picture in one pass, straight into a model input of
 * `at.input` pixels, batch axis of 1 included or not (the values are the same).
 *
 * Pixels are resized as OpenCV does and rounded to 0–255 first, as in the pipelines that models are trained in;
 * mean, std, quantization and dtype are then one table of 256 entries for each channel.
 *
 * `image` may be a reduced copy (see `shrinkTo` of `decodeImage`); its whole area maps to `at.content`.
 * `into` is reused when given; every element of it is written. float16 comes as 16-bit patterns.
 *
 * @throws BoxletError INTERNAL when `into` or the pixels do not have the size that the letterbox says.
 */
export function toTensor(
  image: RgbImage,
  at: Letterbox,
  input: TensorFormat,
  into?: InputTensor,
): InputTensor {
  const { width, height } = at.input
  const out = into ?? allocate(input.dtype, width * height * channelCount(input.colour))
  checkSizes(image, at, input, out)
  const tables = channelTables(input)
  fillPadding(out, at, input, tables)
  resample(image, at.content, input.geometry.resample, rowWriter(out, at, input, tables))
  return out
}

/** Plain pixels, H × W × 3 bytes in RGB order: the input of models prepared to normalise inside the graph. */
export function toPixels(
  image: RgbImage,
  at: Letterbox,
  geometry: Pick<Geometry, 'pad' | 'resample'>,
  into?: Uint8Array,
): Uint8Array {
  return toTensor(image, at, { ...PLAIN_PIXELS, geometry }, into) as Uint8Array
}

const PLAIN_PIXELS = {
  layout: 'NHWC',
  dtype: 'uint8',
  colour: 'RGB',
  mean: [0, 0, 0],
  std: [1, 1, 1],
} as const satisfies Omit<TensorFormat, 'geometry' | 'mean' | 'std'> & { mean: number[]; std: number[] }

function allocate(dtype: InputType, length: number): InputTensor {
  switch (dtype) {
    case 'float32':
      return new Float32Array(length)
    case 'float16':
      return new Uint16Array(length)
    case 'uint8':
      return new Uint8Array(length)
    case 'int8':
      return new Int8Array(length)
  }
}

function checkSizes(image: RgbImage, at: Letterbox, format: TensorFormat, out: InputTensor): void {
  const { input, content, padX, padY } = at
  const { dtype, colour } = format
  const fits =
    image.data.length === image.width * image.height * 3 &&
    out.length === input.width * input.height * channelCount(colour) &&
    out.BYTES_PER_ELEMENT === { float32: 4, float16: 2, uint8: 1, int8: 1 }[dtype] &&
    padX >= 0 &&
    padY >= 0 &&
    padX + content.width <= input.width &&
    padY + content.height <= input.height
  if (fits) {
    return
  }
  throw new BoxletError(
    'INTERNAL',
    `Expected ${input.width} × ${input.height} pixels of ${dtype} for the model input but received ` +
      `${out.length} elements of ${out.BYTES_PER_ELEMENT} bytes for a picture of ${image.width} × ${image.height}.`,
  )
}

/** What is stored for each value 0–255 of red, green and blue, in this order whatever the order fed. */
type ChannelTables = [InputTensor, InputTensor, InputTensor]

/** The last tables made. A detector feeds one format for its whole life, and 768 divisions are 10 µs. */
let lastTables: { key: string; tables: ChannelTables } | undefined

function channelTables(input: TensorFormat): ChannelTables {
  const { dtype, quantization, colour, mean, std } = input
  const key = JSON.stringify([dtype, quantization, colour, mean, std])
  if (lastTables?.key === key) {
    return lastTables.tables
  }
  // mean and std are in the order fed; the tables are looked up by what the pixel holds.
  const order = colour === 'BGR' ? [2, 1, 0] : [0, 1, 2]
  const tables = order.map((fed) => channelTable(mean[fed]!, std[fed]!, input)) as ChannelTables
  lastTables = { key, tables }
  return tables
}

function channelTable(mean: number, std: number, input: TensorFormat): InputTensor {
  const table = allocate(input.dtype, 256)
  const { scale, zeroPoint } = input.quantization ?? { scale: 1, zeroPoint: 0 }
  const [least, most] = input.dtype === 'int8' ? [-128, 127] : [0, 255]
  for (let value = 0; value < 256; value++) {
    const real = (value - mean) / std
    if (input.dtype === 'float32') {
      table[value] = real
    } else if (input.dtype === 'float16') {
      table[value] = toHalf(real)
    } else {
      table[value] = Math.min(Math.max(Math.round(real / scale + zeroPoint), least), most)
    }
  }
  return table
}

const isPlanar = (layout: Layout): boolean => layout === 'NCHW' || layout === 'CHW'

/** Writes the border only: the content is written whole by the rows. */
function fillPadding(out: InputTensor, at: Letterbox, input: TensorFormat, tables: ChannelTables): void {
  const { width, height } = at.input
  const { padX, padY, content } = at
  if (content.width === width && content.height === height) {
    return
  }
  const pad = input.geometry.pad.map((value, channel) => tables[channel]![value]!)
  const fill =
    input.colour === 'grey'
      ? greyFill(out, tables[0][brightness(...input.geometry.pad)]!)
      : isPlanar(input.layout)
        ? planarFill(out, width * height, ordered(pad, input.colour))
        : interleavedFill(out, ordered(pad, input.colour))
  fill(0, padY * width)
  fill((padY + content.height) * width, height * width)
  if (content.width === width) {
    return
  }
  for (let y = padY; y < padY + content.height; y++) {
    fill(y * width, y * width + padX)
    fill(y * width + padX + content.width, (y + 1) * width)
  }
}

const ordered = <T>(rgb: T[], colour: Colour): T[] => (colour === 'BGR' ? [...rgb].reverse() : rgb)

/** Fills pixels `from` to `to`, counted through the whole input. */
type PixelFill = (from: number, to: number) => void

const planarFill =
  (out: InputTensor, plane: number, pad: number[]): PixelFill =>
  (from, to) => {
    for (let c = 0; c < 3; c++) {
      out.fill(pad[c]!, c * plane + from, c * plane + to)
    }
  }

const greyFill =
  (out: InputTensor, pad: number): PixelFill =>
  (from, to) => {
    out.fill(pad, from, to)
  }

const interleavedFill =
  (out: InputTensor, pad: number[]): PixelFill =>
  (from, to) => {
    if (pad[0] === pad[1] && pad[1] === pad[2]) {
      out.fill(pad[0]!, from * 3, to * 3)
      return
    }
    for (let i = from * 3; i < to * 3; i += 3) {
      out[i] = pad[0]!
      out[i + 1] = pad[1]!
      out[i + 2] = pad[2]!
    }
  }

function rowWriter(out: InputTensor, at: Letterbox, input: TensorFormat, tables: ChannelTables): RowSink {
  const { width, height } = at.input
  const start = at.padY * width + at.padX
  const reversed = input.colour === 'BGR'
  if (input.colour === 'grey') {
    return (row, y) => writeGrey(out, start + y * width, row, tables[0])
  }
  if (isPlanar(input.layout)) {
    const plane = width * height
    const red = reversed ? 2 * plane : 0
    const blue = reversed ? 0 : 2 * plane
    return (row, y) => writePlanar(out, start + y * width, red, plane, blue, row, tables)
  }
  if (!reversed && out instanceof Uint8Array && tables.every(isIdentity)) {
    return (row, y) => out.set(row, (start + y * width) * 3)
  }
  return (row, y) => writeInterleaved(out, (start + y * width) * 3, reversed, row, tables)
}

const isIdentity = (table: InputTensor): boolean => table.every((stored, value) => stored === value)

/**
 * Brightness of a pixel as OpenCV and JPEG have it, in their whole numbers of 1/16384.
 *
 * source  ITU-R BT.601; OpenCV `color_rgb.simd.hpp`
 */
const brightness = (red: number, green: number, blue: number): number =>
  (red * 4899 + green * 9617 + blue * 1868 + 8192) >> 14

function writeGrey(out: InputTensor, start: number, row: Uint8Array, table: InputTensor): void {
  for (let i = 0, at = start; i < row.length; i += 3, at++) {
    out[at] = table[brightness(row[i]!, row[i + 1]!, row[i + 2]!)]!
  }
}

function writePlanar(
  out: InputTensor,
  start: number,
  red: number,
  green: number,
  blue: number,
  row: Uint8Array,
  [redTable, greenTable, blueTable]: ChannelTables,
): void {
  let r = start + red
  let g = start + green
  let b = start + blue
  for (let i = 0; i < row.length; i += 3) {
    out[r++] = redTable[row[i]!]!
    out[g++] = greenTable[row[i + 1]!]!
    out[b++] = blueTable[row[i + 2]!]!
  }
}

function writeInterleaved(
  out: InputTensor,
  start: number,
  reversed: boolean,
  row: Uint8Array,
  [redTable, greenTable, blueTable]: ChannelTables,
): void {
  const red = start + (reversed ? 2 : 0)
  const green = start + 1
  const blue = start + (reversed ? 0 : 2)
  for (let i = 0; i < row.length; i += 3) {
    out[red + i] = redTable[row[i]!]!
    out[green + i] = greenTable[row[i + 1]!]!
    out[blue + i] = blueTable[row[i + 2]!]!
  }
}
