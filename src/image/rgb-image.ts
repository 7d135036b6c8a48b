import type { Size } from '../boxes/box.ts'

/** Upright pixels, three bytes each, rows without padding. */
export interface RgbImage extends Size {
  data: Uint8Array
}
