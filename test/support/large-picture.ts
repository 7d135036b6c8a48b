import { readFileSync } from 'node:fs'
import { photo } from './made-files.ts'

/** A photo of 13 megapixels, which takes long enough to decode that a test can act meanwhile. */
export const largeBytes = new Uint8Array(
  readFileSync(await photo('astronaut', { width: 4160, height: 3120 })),
)
