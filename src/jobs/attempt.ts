import { type ErrorCode, toBoxletError } from '../errors.ts'
import { printable } from '../system/printable.ts'
import { flaggedMessage } from './announcer.ts'
import { within } from './deadline.ts'
import { JOB_DEFAULTS } from './defaults.ts'
import type { EventBus, NewEvent } from './event-bus.ts'
import type { PictureOutcome, PictureRef } from './job.ts'
import type { JobStore, StartedPicture } from './job-store.ts'
import { refOf } from './message.ts'
import type { Message, Queue } from './queue.ts'
import { backOff, mayPass } from './retry.ts'
import type { Slots } from './slots.ts'
import { jobError, lateError, type Workplace, workOn } from './work.ts'

export interface AttemptOptions {
  store: JobStore
  pictures: Pick<Queue, 'done' | 'giveBack' | 'bury'>
  webhooks: Pick<Queue, 'send'>
  bus: EventBus
  workplace: Workplace
  /** Places to detect in. */
  slots: Slots
  pictureMs: number
  now(): number
  /** Called with each picture that is done, before others learn of it. */
  onPicture?(started: StartedPicture, outcome: PictureOutcome): Promise<void>
  /** Called where a job may have ended. */
  onEnded(): void
  onNotice?(line: string): void
}

/** A picture that has its outcome, which the store does not know yet. */
export interface Worked {
  message: Message
  started: StartedPicture
  outcome: PictureOutcome
}

/** Faults that say nothing of the picture: it waits for as long as they last. */
const OF_THE_PLACE: readonly ErrorCode[] = ['OVERLOADED', 'SHUTTING_DOWN', 'DISPOSED', 'STORE_UNAVAILABLE']
/** After a fault of the store, which others may have to mend first. */
export const FAULT_MS = 1_000
/** Until a picture is offered again that a worker could not take: few enough offers while nobody has its model. */
const ELSEWHERE_MS = 2_000

/** One try of the picture that a message names, and what follows from it, whoever took the message from the queue. */
export class Attempt {
  readonly #options: AttemptOptions
  /** When the last webhook of a marked picture was asked for. Milliseconds since 1970. */
  flaggedAt = 0

  constructor(options: AttemptOptions) {
    this.#options = options
  }

  /**
   * @param end gives the picture back, uncounted
   * @throws BoxletError what the store or the queue says; the message then comes again
   */
  async run(message: Message, end: AbortSignal): Promise<void> {
    const worked = await this.work(message, end)
    if (worked !== undefined) {
      await this.settle([worked])
    }
  }

  /**
   * The part of it before the store knows.
   *
   * @param end gives the picture back, uncounted
   * @returns undefined where nothing is left to be settled
   * @throws BoxletError what the store or the queue says; the message then comes again
   */
  async work(message: Message, end: AbortSignal): Promise<Worked | undefined> {
    const { store, pictures, workplace, slots, pictureMs } = this.#options
    const ref = refOf(message.body)
    const started = ref === undefined ? undefined : await store.start(ref)
    if (ref === undefined || started === undefined) {
      await pictures.done([message])
      return undefined
    }
    const { model } = started.options
    if (model !== undefined && workplace.lacks?.(model)) {
      this.#options.onNotice?.(
        `Pictures of job ${ref.job} wait for a worker with the model "${printable(model)}", which this one lacks.`,
      )
      await store.release(ref, {
        code: 'MODEL_NOT_FOUND',
        message: 'Expected the model of the job but the worker that had the picture lacks it.',
        hint: 'Start a worker with it: boxlet work --model MODEL.',
      })
      await pictures.giveBack(message, { delayMs: ELSEWHERE_MS, unused: true })
      return undefined
    }
    let outcome: PictureOutcome
    try {
      outcome = await within(
        pictureMs,
        end,
        () => lateError(pictureMs),
        (signal) => workOn(started, workplace, (waiting) => slots.take(waiting), signal),
      )
    } catch (error) {
      await this.#failed(message, ref, error, end)
      return undefined
    }
    await this.#options.onPicture?.(started, outcome)
    return { message, started, outcome }
  }

  /**
   * Results are kept before their messages go, and whatever follows from them is asked for before both.
   *
   * @throws BoxletError what the store or the queue says; the messages then come again
   */
  async settle(worked: readonly Worked[]): Promise<void> {
    const { store, pictures, bus } = this.#options
    if (worked.length === 0) {
      return
    }
    await Promise.all(worked.map((each) => this.#flag(each)))
    const ended = await store.finish(
      worked.map(({ message, started, outcome }) => ({
        ref: started.ref,
        outcome,
        receives: message.receives,
      })),
    )
    await pictures.done(worked.map(({ message }) => message))
    await bus.publish(worked.flatMap(eventsOf))
    if (ended.length > 0) {
      this.#options.onEnded()
    }
  }

  async #flag({ started: { ref, picture, options }, outcome }: Worked): Promise<void> {
    const verdict = outcome.state === 'succeeded' ? outcome.found.verdict : undefined
    if (verdict === undefined || options.webhook === undefined) {
      return
    }
    const message = flaggedMessage(ref, picture, verdict, options.webhook, this.#options.now())
    // The picture is to be found by the time that its receiver asks for it.
    const send = { body: JSON.stringify(message), group: ref.tenant, delayMs: FAULT_MS }
    await this.#options.webhooks.send([send])
    this.flaggedAt = this.#options.now()
  }

  async #failed(message: Message, ref: PictureRef, error: unknown, end: AbortSignal): Promise<void> {
    const { store, pictures } = this.#options
    const known = toBoxletError(error)
    if (end.aborted) {
      await store.release(ref, jobError(known))
      await pictures.giveBack(message, { delayMs: 0, unused: true })
      return
    }
    if (OF_THE_PLACE.includes(known.code)) {
      await store.release(ref, jobError(known))
      await pictures.giveBack(message, { delayMs: FAULT_MS, unused: true })
      return
    }
    if (!mayPass(known) || message.receives >= JOB_DEFAULTS.mostTries) {
      const outcome = { state: 'failed' as const, error: jobError(known) }
      await store.finish([{ ref, outcome, receives: message.receives }])
      await pictures.bury(message, `${known.code}: ${known.message}`)
      this.#options.onEnded()
      return
    }
    await store.release(ref, jobError(known))
    const { backOffMs, mostBackOffMs } = JOB_DEFAULTS
    await pictures.giveBack(message, { delayMs: backOff(message.receives, backOffMs, mostBackOffMs) })
  }
}

function eventsOf({ started: { ref, picture }, outcome }: Worked): NewEvent[] {
  const { tenant, job, n } = ref
  const { name } = picture
  const found = outcome.state === 'succeeded' ? outcome.found : undefined
  const data = {
    n,
    name,
    state: outcome.state,
    ...(found !== undefined && { altText: found.altText }),
    ...(outcome.state === 'failed' && { error: outcome.error }),
  }
  return [
    { kind: 'picture.finished', tenant, job, data },
    ...(found?.verdict === undefined
      ? []
      : [{ kind: 'picture.flagged' as const, tenant, job, data: { n, name, ...found.verdict } }]),
  ]
}
