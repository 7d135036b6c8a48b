import { BoxletError } from '../../errors.ts'
import { megabytes } from '../../system/words.ts'
import type { PackageFile } from './zip.ts'

const MIB = 2 ** 20
/** Largest zip that Lambda takes in the call itself. Source: Lambda quotas. */
export const MAX_DIRECT_ZIP_BYTES = 50 * MIB
/** Largest size of code and layers unpacked, however they came. */
export const MAX_UNPACKED_BYTES = 250 * MIB

export interface SizePart {
  name: string
  files: number
  bytes: number
}

export interface SizeReport {
  zipBytes: number
  unpackedBytes: number
  /** Largest first. */
  parts: SizePart[]
  /** What to do about a limit that is exceeded or near; empty when all is well. */
  advice: string[]
}

export function sizeReport(zipBytes: number, files: readonly PackageFile[]): SizeReport {
  const parts = new Map<string, SizePart>()
  for (const { name, bytes } of files) {
    const key = partOf(name)
    const part = parts.get(key) ?? { name: key, files: 0, bytes: 0 }
    part.files++
    part.bytes += bytes.length
    parts.set(key, part)
  }
  const unpackedBytes = files.reduce((sum, { bytes }) => sum + bytes.length, 0)
  const advice: string[] = []
  if (zipBytes > MAX_DIRECT_ZIP_BYTES) {
    advice.push(
      'Over 50 MB: upload the zip through S3, as "boxlet deploy" does, or keep the model in a layer or in S3.',
    )
  }
  return { zipBytes, unpackedBytes, parts: [...parts.values()].sort((a, b) => b.bytes - a.bytes), advice }
}

function partOf(name: string): string {
  if (name.startsWith('native/onnxruntime/')) {
    return 'ONNX Runtime'
  }
  if (name.startsWith('native/sharp')) {
    return 'sharp and libvips'
  }
  return name.startsWith('model/') ? 'model' : 'handler'
}

/** @throws BoxletError PACKAGE_TOO_LARGE, saying which part to move where */
export function checkUnpacked(report: SizeReport): void {
  if (report.unpackedBytes <= MAX_UNPACKED_BYTES) {
    return
  }
  throw new BoxletError(
    'PACKAGE_TOO_LARGE',
    `Expected at most 250 MB unpacked but the package has ${megabytes(report.unpackedBytes)} MB; ${report.parts[0]?.name} takes ${megabytes(report.parts[0]?.bytes ?? 0)} MB.`,
    { hint: 'Keep the model in S3 with --model-in s3.' },
  )
}

export function formatSizeReport(report: SizeReport): string {
  const { zipBytes, unpackedBytes, parts } = report
  const share = (bytes: number, limit: number): string => `${Math.round((bytes / limit) * 100)} %`
  const lines = [
    `zip       ${megabytes(zipBytes).padStart(6)} MB  ${share(zipBytes, MAX_DIRECT_ZIP_BYTES)} of the 50 MiB that Lambda takes directly`,
    `unpacked  ${megabytes(unpackedBytes).padStart(6)} MB  ${share(unpackedBytes, MAX_UNPACKED_BYTES)} of the 250 MiB limit`,
    ...parts.map(
      ({ name, bytes, files }) => `  ${megabytes(bytes).padStart(6)} MB  ${name} (${files} files)`,
    ),
    ...report.advice,
  ]
  return `${lines.join('\n')}\n`
}
