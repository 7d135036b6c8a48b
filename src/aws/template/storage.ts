/** Megabytes of /tmp that Lambda gives without a price, and the most that it gives. */
export const EPHEMERAL_STORAGE_MB = { min: 512, max: 10_240 } as const

const MIB = 2 ** 20

/** What a model in S3 needs, which is fetched into /tmp; the file system takes a part for itself. */
export function storageMbFor(bytes: number): number {
  const { min, max } = EPHEMERAL_STORAGE_MB
  return Math.min(max, Math.max(min, Math.ceil((1.1 * bytes) / MIB) + 64))
}
