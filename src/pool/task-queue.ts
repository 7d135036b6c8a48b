import { BoxletError } from '../errors.ts'

interface Waiting<W> {
  start(worker: W): void
  refuse(error: BoxletError): void
}

/**
 * Hands workers to tasks in the order of arrival. A task that is no longer wanted leaves the queue at once; one
 * that runs is not interrupted, but nobody waits for it any more.
 */
export class TaskQueue<W> {
  readonly #limit: number
  readonly #waiting = new Set<Waiting<W>>()

  /** @param limit most tasks that may wait */
  constructor(limit: number) {
    this.#limit = limit
  }

  get length(): number {
    return this.#waiting.size
  }

  /**
   * Runs the task on a worker as soon as one is handed over, within that very call, so that the worker counts as
   * taken at once.
   *
   * @throws BoxletError OVERLOADED when the queue is full; the signal's reason when it is aborted
   */
  wait<T>(run: (worker: W) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    if (this.#waiting.size >= this.#limit) {
      throw new BoxletError('OVERLOADED', 'Expected a free place in the queue but it is full.', {
        hint: 'Send the request again after the seconds in Retry-After.',
      })
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(task)
        reject(signal?.reason)
      }
      const done = () => {
        this.#waiting.delete(task)
        signal?.removeEventListener('abort', leave)
      }
      const task: Waiting<W> = {
        start: (worker) => {
          done()
          resolve(run(worker))
        },
        refuse: (error) => {
          done()
          reject(error)
        },
      }
      signal?.addEventListener('abort', leave, { once: true })
      this.#waiting.add(task)
    })
  }

  /** Gives the worker to the task that has waited longest; false when none waits. */
  next(worker: W): boolean {
    const [first] = this.#waiting
    first?.start(worker)
    return first !== undefined
  }

  refuseAll(error: BoxletError): void {
    for (const task of [...this.#waiting]) {
      task.refuse(error)
    }
  }
}
