import { between } from './random.ts'

/** Changes of light and colour that one picture gets. */
export interface Colour {
  /** Around the grey of the padding. */
  contrast: number
  /** Added, on 0–255. */
  brightness: number
  /** 1 leaves colours as they are, 0 makes grey. */
  saturation: number
}

/** source  Howard: Some Improvements on Deep Convolutional Neural Network Based Image Classification (2013) */
export function randomColour(random: () => number): Colour {
  return {
    contrast: between(random, 0.7, 1.3),
    brightness: between(random, -25, 25),
    // Half of the pictures keep their colours, which are often what tells classes apart.
    saturation: random() < 0.5 ? between(random, 0.7, 1.3) : 1,
  }
}

export const PLAIN: Colour = { contrast: 1, brightness: 0, saturation: 1 }
/** Where contrast turns: the grey that pictures are padded with. */
const PIVOT = 114

/** What each value 0–255 becomes by contrast and brightness. */
export function toneTable({ contrast, brightness }: Colour): Float32Array {
  return Float32Array.from({ length: 256 }, (_, value) =>
    Math.min(255, Math.max(0, (value - PIVOT) * contrast + PIVOT + brightness)),
  )
}
