import type { FlattenOptions, Metadata, OutputInfo, RawOptions, ResizeOptions, TimeoutOptions } from 'sharp'

/** What decoding uses of sharp; a Lambda function has a lighter one in its place (`#picture-decoder`). */
export interface PicturePipeline {
  metadata(): Promise<Metadata>
  resize(options: ResizeOptions): PicturePipeline
  timeout(options: TimeoutOptions): PicturePipeline
  flatten(options: FlattenOptions): PicturePipeline
  toColourspace(colourspace: string): PicturePipeline
  raw(options: RawOptions): PicturePipeline
  toBuffer(options: { resolveWithObject: true }): Promise<{ data: Buffer; info: OutputInfo }>
}
