import type { FlatValues } from '../detector/options.ts'

/** Options of detection as a service takes them. */
export interface ServiceDetectOptions extends Omit<FlatValues, 'maxPixels' | 'maxBytes' | 'fetch'> {
  /** One that is served; the first otherwise. */
  model?: string
  signal?: AbortSignal
}
