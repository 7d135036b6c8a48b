/**
 * Stands in the package where decoding loads sharp (`#picture-decoder`). The JavaScript of sharp takes longer to load than its
 * native library to load and decode a picture, and nearly all pictures go through one of two pipelines: those are
 * handed to the native library directly. Drawings and what else there is go to sharp itself.
 */
import type { Metadata, OutputInfo, Sharp, SharpOptions } from 'sharp'
import {
  type Binding,
  openBinding,
  type PipelineOptions,
  type Pipelines,
  PLAIN_STEPS,
  plainPipelines,
  REDUCTION,
} from '#plain-pipeline'
import type { PicturePipeline } from '../../../image/decode/picture-pipeline.ts'

type Step = readonly [name: string, argument: unknown]
type LightOptions = Pick<
  SharpOptions,
  'autoOrient' | 'ignoreIcc' | 'limitInputPixels' | 'limitInputChannels' | 'failOn'
>
type Decoded = { data: Buffer; info: OutputInfo }

const PLAIN = JSON.stringify(PLAIN_STEPS)

let opened: { binding: Binding; pipelines: Pipelines } | undefined

function open(): { binding: Binding; pipelines: Pipelines } {
  if (opened === undefined) {
    opened = { binding: openBinding(), pipelines: plainPipelines() }
    // A function has one picture at a time on about one processor: more threads only cost their start.
    opened.binding.concurrency(1)
  }
  return opened
}

class LightPicture implements PicturePipeline {
  readonly #bytes: Uint8Array
  readonly #options: LightOptions
  readonly #steps: Step[] = []

  constructor(bytes: Uint8Array, options: LightOptions) {
    this.#bytes = bytes
    this.#options = options
  }

  resize = (argument: unknown): this => this.#note(['resize', argument])
  timeout = (argument: unknown): this => this.#note(['timeout', argument])
  flatten = (argument: unknown): this => this.#note(['flatten', argument])
  toColourspace = (argument: unknown): this => this.#note(['toColourspace', argument])
  raw = (argument: unknown): this => this.#note(['raw', argument])

  async metadata(): Promise<Metadata> {
    const { binding, pipelines } = open()
    return new Promise((resolve, reject) => {
      binding.metadata(this.#native(pipelines.whole), (error, metadata) =>
        error ? reject(error) : resolve(metadata as Metadata),
      )
    })
  }

  async toBuffer(options: { resolveWithObject: true }): Promise<Decoded> {
    const { binding, pipelines } = open()
    const pipeline = this.#pipeline(pipelines)
    if (pipeline === undefined) {
      return (await this.#sharp()).toBuffer(options)
    }
    return new Promise((resolve, reject) => {
      binding.pipeline(this.#native(pipeline), (error, data, info) =>
        error ? reject(error) : resolve({ data, info }),
      )
    })
  }

  #note(step: Step): this {
    this.#steps.push(step)
    return this
  }

  #pipeline({ whole, reduced }: Pipelines): PipelineOptions | undefined {
    if (this.#options.autoOrient !== true) {
      return undefined
    }
    const [first, ...rest] = this.#steps
    if (first?.[0] !== 'resize') {
      return JSON.stringify(this.#steps) === PLAIN ? whole : undefined
    }
    const { width, height, fit, kernel } = first[1] as Record<string, unknown>
    const known = fit === REDUCTION.fit && kernel === REDUCTION.kernel && JSON.stringify(rest) === PLAIN
    return known ? { ...reduced, width, height } : undefined
  }

  #native(pipeline: PipelineOptions): PipelineOptions {
    const { buffer, byteOffset, byteLength } = this.#bytes
    const input = { ...pipeline.input, ...this.#options, buffer: Buffer.from(buffer, byteOffset, byteLength) }
    if (this.#options.limitInputPixels === false) {
      input.limitInputPixels = 0
    }
    return { ...pipeline, input, debuglog: () => {}, queueListener: () => {} }
  }

  async #sharp(): Promise<Sharp> {
    const { loadSharp } = await import('../../../image/decode/load-sharp.ts')
    const sharp = await loadSharp()
    return this.#steps.reduce<Sharp>(
      (picture, [name, argument]) =>
        (picture as unknown as Record<string, (argument: unknown) => Sharp>)[name]!(argument),
      sharp(this.#bytes, this.#options),
    )
  }
}

export type LightSharp = (bytes: Uint8Array, options: LightOptions) => LightPicture

/** The part of sharp that decoding a picture uses. */
export const loadSharp = async (): Promise<LightSharp> => (bytes, options) => new LightPicture(bytes, options)
