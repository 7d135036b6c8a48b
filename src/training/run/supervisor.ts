import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { BoxletError } from '../../errors.ts'
import { turnOffTelemetry } from '../../runtime/telemetry.ts'
import { abort } from './barrier.ts'
import type { WorkerMessage, WorkerSetup } from './messages.ts'
import { CONTROL, LOSS_SUMS, type SharedState } from './shared-state.ts'

/** The built file, also where the supervisor itself runs from its TypeScript source, as in tests. */
const WORKER_FILE = import.meta.url.endsWith('.ts')
  ? new URL('../../../dist/training/run/worker.js', import.meta.url)
  : new URL('./worker.js', import.meta.url)

/** Means over the pictures of a round. */
export interface RoundLosses {
  /** A matched cell. */
  box: number
  classes: number
  /** A picture. */
  objectness: number
  matched: number
}

export interface RoundReport {
  /** Steps done. */
  step: number
  losses: RoundLosses
}

export interface SupervisedRun {
  setup: Omit<WorkerSetup, 'id'>
  /** All workers wait while this runs, so that weights stand still. False ends the run. */
  onRound(report: RoundReport): Promise<boolean>
  /** Ends the run after the step that is being done. */
  signal?: AbortSignal
}

/**
 * Starts the workers, lets them go on from round to round, and ends with them.
 *
 * Workers are never terminated: the runtime answers that within a run by aborting the process. A worker that dies
 * opens every barrier by the abort flag, so that the others end too.
 *
 * @returns steps done, fewer than planned when the run was ended
 * @throws BoxletError of the first worker that failed; TEACHING_FAILED when one ended without a word
 */
export async function supervise({ setup, onRound, signal }: SupervisedRun): Promise<number> {
  turnOffTelemetry()
  const { state, recipe } = setup
  const { control } = state
  const stop = () => Atomics.store(control, CONTROL.stopAsked, 1)
  const open = (step: number) => {
    Atomics.store(control, CONTROL.gate, step)
    Atomics.notify(control, CONTROL.gate)
  }
  open(setup.firstStep)
  let failure: BoxletError | undefined
  let done: number | undefined
  const fail = (error: BoxletError) => {
    // What the others say is that the run was ended.
    if (failure === undefined || failure.code === 'ABORTED') {
      failure = error
    }
    abort(control)
  }
  let ready = 0
  const workers = Array.from({ length: recipe.workers }, (_, id) => {
    const workerData: WorkerSetup = { ...setup, id }
    const worker = new Worker(WORKER_FILE, { workerData })
    worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'ready') {
        ready++
        if (ready === recipe.workers) {
          open(nextRound(setup.firstStep, setup.round))
        }
      } else if (message.kind === 'round') {
        const report = { step: message.step, losses: takeLosses(state, recipe.workers) }
        onRound(report).then(
          (goesOn) => {
            if (!goesOn) {
              stop()
            }
            open(nextRound(message.step, setup.round))
          },
          (error: unknown) => fail(toFailure(error)),
        )
      } else if (message.kind === 'done') {
        done = message.step
      } else {
        const { code, message: text, ...rest } = message.error
        fail(new BoxletError(code, text, rest))
      }
    })
    worker.on('error', (error) => fail(toFailure(error)))
    return worker
  })
  signal?.addEventListener('abort', stop, { once: true })
  if (signal?.aborted) {
    stop()
  }
  try {
    await Promise.all(
      workers.map(async (worker) => {
        await once(worker, 'exit')
        if (done === undefined && failure === undefined) {
          fail(
            new BoxletError(
              'TEACHING_FAILED',
              'Expected all workers of the training run to the end but one died.',
              {
                hint: 'Often memory has run out: take fewer --workers or a smaller --size, and go on with --resume.',
              },
            ),
          )
        }
      }),
    )
  } finally {
    signal?.removeEventListener('abort', stop)
  }
  if (failure !== undefined) {
    throw failure
  }
  return done!
}

/** First step after `step` at which workers wait. */
const nextRound = (step: number, round: number): number => (Math.floor(step / round) + 1) * round

const toFailure = (error: unknown): BoxletError =>
  error instanceof BoxletError
    ? error
    : new BoxletError('TEACHING_FAILED', 'Expected the training run to go on but a part of it failed.', {
        cause: error,
      })

/** Means of what the workers added up, which start again from zero. */
function takeLosses({ losses }: SharedState, workers: number): RoundLosses {
  const sums = [0, 0, 0, 0, 0]
  for (let at = 0; at < workers * LOSS_SUMS; at++) {
    sums[at % LOSS_SUMS]! += losses[at]!
  }
  losses.fill(0)
  const [box = 0, objectness = 0, classes = 0, matched = 0, pictures = 0] = sums
  const perMatch = Math.max(1, matched)
  const perPicture = Math.max(1, pictures)
  return {
    box: box / perMatch,
    classes: classes / perMatch,
    objectness: objectness / perPicture,
    matched: matched / perPicture,
  }
}
