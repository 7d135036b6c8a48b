import { cpus } from 'node:os'
import type { ModelSource } from '../../source.ts'
import type { MeasuredQuantization } from '../measured.ts'

export const quantizeJson = (
  source: ModelSource,
  out: string | null,
  result: MeasuredQuantization,
): object => {
  const { bytes, evaluation, differing, ...facts } = result
  return {
    version: 1,
    source: source.name,
    out,
    bytes: { before: source.given, after: bytes.length },
    ...facts,
    evaluation: evaluation.images.map(({ fileName }) => fileName),
    worst: differing.slice(0, 24).map(({ image, onlyA, onlyB }) => ({
      picture: evaluation.images[image]!.fileName,
      onlyFloat: onlyA.length,
      onlyQuantized: onlyB.length,
    })),
    processor: cpus()[0]?.model ?? 'unknown',
  }
}
