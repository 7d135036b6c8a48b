import type { PictureRef } from './job.ts'

/** What a message of the queue of pictures says: which one is to be worked on. */
export const messageOf = ({ tenant, job, n }: PictureRef): string => JSON.stringify([tenant, job, n])

/** Undefined for anything else that lies in the queue. */
export function refOf(body: string): PictureRef | undefined {
  try {
    const value: unknown = JSON.parse(body)
    if (Array.isArray(value) && value.length === 3) {
      const [tenant, job, n] = value as unknown[]
      if (typeof tenant === 'string' && typeof job === 'string' && Number.isSafeInteger(n)) {
        return { tenant, job, n: n as number }
      }
    }
  } catch {}
  return undefined
}
