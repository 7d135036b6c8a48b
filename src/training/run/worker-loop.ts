import { adamStep } from '../optimise/adam.ts'
import { averageStep } from '../optimise/average.ts'
import { clipScale, squaredLength } from '../optimise/clip.ts'
import { rateAt } from '../optimise/schedule.ts'
import { waitForAll, waitForGate } from './barrier.ts'
import type { WorkerMessage, WorkerSetup } from './messages.ts'
import { Order } from './order.ts'
import { CONTROL, LOSS_SUMS, STAGES, type Stage } from './shared-state.ts'
import { show } from './show.ts'
import { type PictureLoss, StepRunner } from './step-runner.ts'

/** Share of the running mean of matched cells that a picture leaves as it was. */
const MATCHED_MEMORY = 0.98
/** A picture with many more objects than usual counts at most this many times as much. */
const MOST_WEIGHT = 4

/**
 * The work of one of several equal workers: pictures of each step in turn, then its part of the gradient and of the
 * weights. Three meetings a step: when gradients are there, when their length is known, when weights are new.
 *
 * source  data parallelism with a sharded optimiser as in Rajbhandari et al.: ZeRO (2020), stage 1
 */
export async function workerLoop(setup: WorkerSetup, say: (message: WorkerMessage) => void): Promise<void> {
  const { id, recipe, state, pictures, format, learned } = setup
  const { control } = state
  // The runtime takes no shared memory.
  const runner = await StepRunner.open(Uint8Array.from(setup.graph), recipe.size, learned, setup.grid)
  const order = new Order(recipe.seed, pictures.length)
  const part = partOf(id, recipe.workers, learned)
  const mine = {
    weights: part(state.weights),
    mean: part(state.mean),
    square: part(state.square),
    average: part(state.average),
    rates: part(state.rates),
    sum: part(state.gradients[0]!),
    others: state.gradients.slice(1).map(part),
  }
  const own = state.gradients[id]!
  const losses = state.losses.subarray(id * LOSS_SUMS, (id + 1) * LOSS_SUMS)
  const clock = stageClock(state.times.subarray(id * STAGES.length, (id + 1) * STAGES.length))
  runner.weights.set(state.weights)
  say({ kind: 'ready' })
  try {
    for (let step = setup.firstStep; step < recipe.steps; step++) {
      waitForGate(control, step)
      clock.start()
      const usual = state.matched[recipe.batch]!
      let isFirst = true
      for (let at = id; at < recipe.batch; at += recipe.workers) {
        const pass = step * recipe.batch + at
        const objects = await show(runner.image, pass, order, recipe, pictures, format)
        clock.end('draw')
        const loss = await runner.run(objects)
        clock.end('run')
        state.matched[at] = loss.matched
        addScaled(own, runner.gradient, 1 / normaliser(loss.matched, usual), isFirst)
        addLoss(losses, loss)
        isFirst = false
        clock.end('add')
      }
      if (isFirst) {
        own.fill(0)
      }
      waitForAll(control, recipe.workers)
      clock.end('wait')
      for (const other of mine.others) {
        addScaled(mine.sum, other, 1, false)
      }
      state.lengths[id] = squaredLength(mine.sum)
      clock.end('optimise')
      waitForAll(control, recipe.workers)
      clock.end('wait')
      const length = Math.sqrt(state.lengths.reduce((sum, value) => sum + value, 0)) / recipe.batch
      const scale = clipScale(length, recipe.clip) / recipe.batch
      const rate = recipe.rate * rateAt(step + 1, recipe.steps)
      adamStep(mine, mine.sum, scale, rate, mine.rates, step + 1)
      averageStep(mine.average, mine.weights, step + 1)
      if (id === 0) {
        state.matched[recipe.batch] = state.matched
          .subarray(0, recipe.batch)
          .reduce(
            (mean, count) => (mean === 0 ? count : MATCHED_MEMORY * mean + (1 - MATCHED_MEMORY) * count),
            usual,
          )
        Atomics.store(control, CONTROL.step, step + 1)
        Atomics.store(control, CONTROL.stopTaken, Atomics.load(control, CONTROL.stopAsked))
      }
      clock.end('optimise')
      waitForAll(control, recipe.workers)
      clock.end('wait')
      runner.weights.set(state.weights)
      clock.end('copy')
      const isLast = step + 1 === recipe.steps || Atomics.load(control, CONTROL.stopTaken) !== 0
      if (isLast) {
        if (id === 0) {
          say({ kind: 'done', step: step + 1 })
        }
        return
      }
      if (id === 0 && (step + 1) % setup.round === 0) {
        say({ kind: 'round', step: step + 1 })
      }
    }
  } finally {
    await runner.release()
  }
}

/** Losses are divided by the usual number of matched cells, so that crowded pictures do not decide alone. */
const normaliser = (matched: number, usual: number): number =>
  Math.max(usual === 0 ? matched : usual, matched / MOST_WEIGHT, 1)

/** The part of a vector that a worker sums and updates. */
const partOf =
  (id: number, workers: number, length: number) =>
  (vector: Float32Array): Float32Array =>
    vector.subarray(Math.floor((id * length) / workers), Math.floor(((id + 1) * length) / workers))

function addScaled(sum: Float32Array, values: Float32Array, scale: number, isFirst: boolean): void {
  if (isFirst) {
    for (let i = 0; i < sum.length; i++) {
      sum[i] = scale * values[i]!
    }
    return
  }
  for (let i = 0; i < sum.length; i++) {
    sum[i] = sum[i]! + scale * values[i]!
  }
}

function addLoss(sums: Float64Array, { box, objectness, classes, matched }: PictureLoss): void {
  for (const [at, value] of [box, objectness, classes, matched, 1].entries()) {
    sums[at] = sums[at]! + value
  }
}

function stageClock(times: Float64Array) {
  let last = performance.now()
  return {
    start: () => {
      last = performance.now()
    },
    end: (stage: Stage) => {
      const now = performance.now()
      const at = STAGES.indexOf(stage)
      times[at] = times[at]! + now - last
      last = now
    },
  }
}
