import { BoxletError } from '../../errors.ts'
import { CONTROL } from './shared-state.ts'

/** How often somebody who waits looks whether the run was lost. */
const LOOK_MS = 200

/** No step takes this long on any machine that could train at all: somebody hangs. */
const HANG_MS = 10 * 60_000

/** Waits until all workers are here. Not one thread spins: on few processors that would slow down the others. */
export function waitForAll(control: Int32Array, workers: number, limit = HANG_MS): void {
  const generation = Atomics.load(control, CONTROL.generation)
  if (Atomics.add(control, CONTROL.arrived, 1) + 1 === workers) {
    Atomics.store(control, CONTROL.arrived, 0)
    Atomics.add(control, CONTROL.generation, 1)
    Atomics.notify(control, CONTROL.generation)
    return
  }
  waitWhile(control, CONTROL.generation, (value) => value === generation, limit)
}

/** Waits until the supervisor lets the workers do more steps than `step`. */
export function waitForGate(control: Int32Array, step: number): void {
  // The supervisor may validate on thousands of pictures; it sets `abort` when it fails.
  waitWhile(control, CONTROL.gate, (value) => value <= step, Number.POSITIVE_INFINITY)
}

/**
 * @throws BoxletError ABORTED when the run was lost elsewhere, TIMEOUT when nobody came
 */
function waitWhile(
  control: Int32Array,
  index: number,
  isClosed: (value: number) => boolean,
  limit: number,
): void {
  const start = performance.now()
  for (;;) {
    if (Atomics.load(control, CONTROL.abort) !== 0) {
      throw new BoxletError('ABORTED', 'Expected all workers of the training run but it was ended.')
    }
    const value = Atomics.load(control, index)
    if (!isClosed(value)) {
      return
    }
    if (performance.now() - start > limit) {
      abort(control)
      throw new BoxletError(
        'TIMEOUT',
        `Expected all workers of the training run within ${limit / 1000} s but one hangs.`,
      )
    }
    Atomics.wait(control, index, value, LOOK_MS)
  }
}

/** Ends the run for everybody who waits or will. */
export function abort(control: Int32Array): void {
  Atomics.store(control, CONTROL.abort, 1)
  Atomics.notify(control, CONTROL.generation)
  Atomics.notify(control, CONTROL.gate)
}
