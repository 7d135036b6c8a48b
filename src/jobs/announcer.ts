import type { EventBus } from './event-bus.ts'
import type { Job, JobPicture, PictureRef } from './job.ts'
import type { JobStore } from './job-store.ts'
import { refOf } from './message.ts'
import type { Queue } from './queue.ts'
import type { Verdict } from './rules.ts'
import { viewJob } from './view.ts'
import type { WebhookMessage } from './webhook.ts'

const AT_ONCE = 100

export interface AnnouncerOptions {
  store: JobStore
  pictures: Queue
  webhooks: Queue
  bus: EventBus
  /** Called with each job that has ended, before anyone is told; it may come twice. */
  onEnded?(job: Job): Promise<void>
}

/**
 * Tells of jobs that have ended, and fails the pictures whose messages ended among the dead letters. Each is noted
 * only after it was done, so that whoever dies between leaves it to the next.
 *
 * @returns false where there was nothing to do
 */
export async function announce(options: AnnouncerOptions): Promise<boolean> {
  const { store, webhooks, bus } = options
  const lost = await failLost(options)
  const jobs = await store.unannounced(AT_ONCE)
  if (jobs.length === 0) {
    return lost
  }
  for (const job of jobs) {
    await options.onEnded?.(job)
  }
  await webhooks.send(
    jobs.flatMap((job) => {
      const body = endMessage(job)
      return body === undefined ? [] : [{ body: JSON.stringify(body), group: job.tenant }]
    }),
  )
  await bus.publish(
    jobs.map((job) => ({
      kind: 'job.finished' as const,
      tenant: job.tenant,
      job: job.id,
      data: { ...viewJob(job) },
    })),
  )
  await store.announced(jobs)
  return true
}

function endMessage(job: Job): WebhookMessage | undefined {
  const { webhook } = job.options
  const at = job.finishedAt ?? job.createdAt
  return webhook === undefined
    ? undefined
    : {
        id: `${job.id}.${at}`,
        tenant: job.tenant,
        target: webhook,
        type: `job.${job.state}`,
        at,
        data: viewJob(job),
      }
}

/** A picture that its rules have marked, told before its job ends. */
export function flaggedMessage(
  { tenant, job, n }: PictureRef,
  picture: Pick<JobPicture, 'name' | 'attempts'>,
  verdict: Verdict,
  target: WebhookMessage['target'],
  now: number,
): WebhookMessage {
  return {
    id: `${job}.${n}.${verdict.verdict}`,
    tenant,
    target,
    type: 'picture.flagged',
    at: now,
    data: { job, n, name: picture.name, ...verdict },
  }
}

/** @returns false where no picture was lost */
export async function failLost({
  store,
  pictures,
}: Pick<AnnouncerOptions, 'store' | 'pictures'>): Promise<boolean> {
  const letters = await pictures.unnoted(AT_ONCE)
  for (const { body, receives } of letters) {
    const ref = refOf(body)
    if (ref !== undefined) {
      const error = {
        code: 'JOB_LOST' as const,
        message: `Expected a result for the picture but its worker ended ${receives} times while it had it.`,
        hint: 'Look into the log of the worker, then "boxlet jobs redrive".',
      }
      await store.finish([{ ref, outcome: { state: 'failed', error }, receives }])
    }
  }
  await pictures.noted(letters.map(({ id }) => id))
  return letters.length > 0
}
