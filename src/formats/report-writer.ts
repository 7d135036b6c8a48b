import type { DetectResult, ModelInfo } from '../detector/types.ts'
import type { BoxletError } from '../errors.ts'

/** What came of one picture. */
export type Outcome = { source: string; altText?: string } & (
  | { result: DetectResult; error?: undefined }
  | { result?: undefined; error: BoxletError }
)

/**
 * Writes a report piece by piece, so that a folder of any length takes no memory: `begin` once, `picture` for
 * each, `end` once. Each returns text to put out.
 */
export interface ReportWriter {
  begin(model: ModelInfo): string
  picture(outcome: Outcome): string
  end(): string
  /** Set for formats that are one file a picture: the ending of that file. */
  perPicture?: string
}
