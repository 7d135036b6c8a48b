import type {
  FlattenOptions,
  Metadata,
  OutputInfo,
  RawOptions,
  ResizeOptions,
  SharpOptions,
  TimeoutOptions,
} from 'sharp'

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

/** Opens one picture again and again, by other settings or with other bytes where it has to be looked at once more. */
export type OpenPicture = (overrides?: SharpOptions, bytes?: Uint8Array) => PicturePipeline
