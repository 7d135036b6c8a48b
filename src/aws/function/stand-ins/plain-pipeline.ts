/**
 * What sharp hands to its native half for the two pipelines that pictures of a function go through. The package
 * holds the options as data and opens the native library of its target; here both come from sharp itself.
 */
import { createRequire } from 'node:module'
import sharp, { type OutputInfo, type SharpOptions } from 'sharp'

/** The calls of `image/decode.ts` on a picture, in their order; one that is reduced has a `resize` before them. */
export const PLAIN_STEPS = [
  ['timeout', { seconds: 30 }],
  ['flatten', { background: '#000' }],
  ['toColourspace', 'srgb'],
  ['raw', { depth: 'uchar' }],
] as const
export const REDUCTION = { fit: 'fill', kernel: 'linear' } as const

/** Fields of sharp's own that are numbers, texts and lists; those that matter here are named. */
export interface PipelineOptions {
  input: Record<string, unknown>
  [name: string]: unknown
}

export interface Binding {
  pipeline(
    options: PipelineOptions,
    done: (error: Error | null, data: Buffer, info: OutputInfo) => void,
  ): unknown
  metadata(options: PipelineOptions, done: (error: Error | null, metadata: object) => void): unknown
  concurrency(threads: number): unknown
}

/** Of a whole picture and of a reduced one, whose `width` and `height` are set for each. */
export interface Pipelines {
  whole: PipelineOptions
  reduced: PipelineOptions
}

export function plainPipelines(): Pipelines {
  const [[, timeout], [, background], [, colourspace], [, depth]] = PLAIN_STEPS
  const optionsOf = (resize: boolean): PipelineOptions => {
    const settings: SharpOptions = { autoOrient: true }
    const source = sharp(Buffer.from([0]), settings)
    const sized = resize ? source.resize({ width: 1, height: 1, ...REDUCTION }) : source
    const picture = sized.timeout(timeout).flatten(background).toColourspace(colourspace).raw(depth)
    const { options } = picture as unknown as { options: PipelineOptions }
    const { buffer: _bytes, ...input } = options.input
    // Through JSON, as in a package: the functions for sharp's events and its debug log go.
    return JSON.parse(JSON.stringify({ ...options, input, resolveWithObject: true }))
  }
  return { whole: optionsOf(false), reduced: optionsOf(true) }
}

export function openBinding(): Binding {
  return createRequire(createRequire(import.meta.url).resolve('sharp'))(
    `@img/sharp-${process.platform}-${process.arch}/sharp.node`,
  )
}
