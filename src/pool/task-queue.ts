import { BoxletError } from '../errors.ts'
import { onAbort } from '../system/signals.ts'

interface Waiting<W> {
  owner: string
  start(worker: W): void
  refuse(error: BoxletError): void
}

/**
 * Hands workers to tasks: owners take turns, and the tasks of one go in the order of arrival, so that whoever sends
 * much waits for itself and not the others for it. A task that is no longer wanted leaves the queue at once; one that
 * runs is not interrupted, but nobody waits for it any more.
 */
export class TaskQueue<W> {
  readonly #limit: number
  /** Owners in the order of their turns. */
  readonly #owners = new Map<string, Set<Waiting<W>>>()
  #length = 0

  /** @param limit most tasks that may wait */
  constructor(limit: number) {
    this.#limit = limit
  }

  get length(): number {
    return this.#length
  }

  /**
   * Runs the task on a worker as soon as one is handed over, within that very call, so that the worker counts as
   * taken at once.
   *
   * @param owner whose task it is; where the queue is full, the owner of most of it gives way to one of less
   * @throws BoxletError OVERLOADED when the queue is full; the signal's reason when it is aborted
   */
  wait<T>(run: (worker: W) => Promise<T>, signal: AbortSignal | undefined, owner = ''): Promise<T> {
    if (this.#length >= this.#limit) {
      this.#makeRoom(owner)
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#remove(task)
        reject(signal?.reason)
      }
      const done = () => {
        this.#remove(task)
        stay()
      }
      const task: Waiting<W> = {
        owner,
        start: (worker) => {
          done()
          resolve(run(worker))
        },
        refuse: (error) => {
          done()
          reject(error)
        },
      }
      const stay = onAbort(signal, leave)
      this.#owners.set(owner, (this.#owners.get(owner) ?? new Set()).add(task))
      this.#length++
    })
  }

  /** Gives the worker to the task that has waited longest of the owner whose turn it is; false when none waits. */
  next(worker: W): boolean {
    const [turn] = this.#owners
    if (turn === undefined) {
      return false
    }
    const [owner, tasks] = turn
    const [first] = tasks
    // To the end of the row: a task that leaves takes its owner out of it when it was the last one.
    this.#owners.delete(owner)
    this.#owners.set(owner, tasks)
    first?.start(worker)
    return true
  }

  refuseAll(error: BoxletError): void {
    for (const task of [...this.#owners.values()].flatMap((tasks) => [...tasks])) {
      task.refuse(error)
    }
  }

  #makeRoom(owner: string): void {
    const own = this.#owners.get(owner)?.size ?? 0
    const largest = [...this.#owners.values()].reduce(
      (a, b) => (b.size > a.size ? b : a),
      new Set<Waiting<W>>(),
    )
    if (largest.size <= own + 1) {
      throw full()
    }
    ;[...largest].at(-1)!.refuse(full())
  }

  #remove(task: Waiting<W>): void {
    const tasks = this.#owners.get(task.owner)
    if (tasks?.delete(task)) {
      this.#length--
      if (tasks.size === 0) {
        this.#owners.delete(task.owner)
      }
    }
  }
}

const full = () =>
  new BoxletError('OVERLOADED', 'Expected a free place in the queue but it is full.', {
    hint: 'Send the request again after the seconds in Retry-After.',
  })
