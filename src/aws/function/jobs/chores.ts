/** What jobs need besides work on pictures: lists read on, ends told, webhooks delivered, lost pictures found. */
import { writeMediaResults } from '../../../api/dialects/rekognition/media-results.ts'
import { type BoxletError, toBoxletError } from '../../../errors.ts'
import { announce } from '../../../jobs/announcer.ts'
import { feed } from '../../../jobs/feeder.ts'
import { OWN_BUCKET } from '../../../jobs/home.ts'
import { deliverOne, type PostWebhook } from '../../../jobs/webhook.ts'
import type { AwsJobHome } from '../../jobs/home.ts'
import { BatchQueue, messagesOf } from './batch-queue.ts'

/** Body of the message that asks for a look at what is unread and unsent. */
export const LOOK = 'look'
/** A part of a list takes some seconds to become pictures; what is left after this goes on in another call. */
const PART_MS = 20_000

export interface ChoreOptions {
  home: AwsJobHome
  post: PostWebhook
  remainingMs(): number
  failed(message: string, error: BoxletError): void
}

/** Tells of jobs that have ended, and of pictures whose workers did not survive them. */
async function tell({ home, failed }: Pick<ChoreOptions, 'home' | 'failed'>): Promise<boolean> {
  return announce({
    ...home,
    onEnded: async (job) => {
      try {
        await writeMediaResults(job, home.store, home.objects)
      } catch (error) {
        // Its own description tells the caller; the jobs behind it go on.
        failed('results of a job', toBoxletError(error))
      }
    },
  })
}

/** The schedule: whatever a call that died has left undone is done here. */
export async function look(options: ChoreOptions): Promise<void> {
  const { home, remainingMs, failed } = options
  const getManifest = (ref: Parameters<AwsJobHome['blobs']['get']>[0], range: object) =>
    (ref.bucket === OWN_BUCKET ? home.blobs : home.objects).get(ref, range)
  for (;;) {
    const fed = await feed({ store: home.store, pictures: home.pictures, get: getManifest }).catch(
      (error: unknown) => {
        failed('feed', toBoxletError(error))
        return false
      },
    )
    const told = await tell(options).catch((error: unknown) => {
      failed('tell', toBoxletError(error))
      return false
    })
    if (!fed && !told) {
      return
    }
    if (remainingMs() < PART_MS) {
      await home.webhooks.send([{ body: LOOK }])
      return
    }
  }
}

/** @returns the answer for SQS: the messages that come again */
export async function workOnChores(records: readonly unknown[], options: ChoreOptions): Promise<unknown> {
  const { home, post, remainingMs, failed } = options
  const queue = new BatchQueue(home.webhooks)
  const messages = messagesOf(records)
  const signal = AbortSignal.timeout(Math.max(1, remainingMs() - PART_MS / 2))
  const webhook = { webhooks: queue, post, leaseMs: 0 }
  await Promise.all(
    messages
      .filter(({ body }) => body !== LOOK)
      .map((message) =>
        deliverOne(message, webhook, signal).catch(async (error: unknown) => {
          failed('webhook', toBoxletError(error))
          await queue.keep(message)
        }),
      ),
  )
  if (messages.some(({ body }) => body === LOOK)) {
    await look(options)
  }
  return queue.answer
}
