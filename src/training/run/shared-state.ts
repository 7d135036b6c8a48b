import type { Slot } from '../model/training-graph.ts'

/** Flags and counters that workers and supervisor share; indices into `control`. */
export const CONTROL = {
  /** Set when the run is lost: everybody ends with an error. */
  abort: 0,
  /** Asked by the supervisor: end after this step. */
  stopAsked: 1,
  /** What the first worker read of it, so that all workers leave after the same step. */
  stopTaken: 2,
  /** The barrier: who has arrived, and how often it has opened. */
  arrived: 3,
  generation: 4,
  /** Steps up to which the supervisor lets the workers go on. */
  gate: 5,
  /** Steps done. */
  step: 6,
} as const

/** Where the time of a worker goes; indices into its row of `times`. */
export const STAGES = ['draw', 'run', 'add', 'wait', 'optimise', 'copy'] as const
export type Stage = (typeof STAGES)[number]

/** Sums of one round and worker: losses of boxes, objectness and classes, matched cells, pictures. */
export const LOSS_SUMS = 5

/**
 * All numbers of a run, in memory that the worker threads share. Each worker adds up gradients in a row of its own and
 * updates a part of the weights of its own, so that no number is written by two.
 */
export interface SharedState {
  control: Int32Array
  /** What learns, as one vector, and its running average. */
  weights: Float32Array
  average: Float32Array
  /** Adam's running means of the gradient and its square. */
  mean: Float32Array
  square: Float32Array
  /** Learning rate of each weight, relative to that of the body. */
  rates: Float32Array
  /** One row a worker. */
  gradients: Float32Array[]
  /** Squared length of the part of the gradient that each worker adds up. */
  lengths: Float64Array
  /** Matched cells of each picture of the step, and their running mean over steps at the end. */
  matched: Float64Array
  losses: Float64Array
  times: Float64Array
}

export function sharedState(learned: number, workers: number, batch: number): SharedState {
  const floats = (length: number) => new Float32Array(new SharedArrayBuffer(4 * length))
  const doubles = (length: number) => new Float64Array(new SharedArrayBuffer(8 * length))
  return {
    control: new Int32Array(new SharedArrayBuffer(4 * Object.keys(CONTROL).length)),
    weights: floats(learned),
    average: floats(learned),
    mean: floats(learned),
    square: floats(learned),
    rates: floats(learned),
    gradients: Array.from({ length: workers }, () => floats(learned)),
    lengths: doubles(workers),
    matched: doubles(batch + 1),
    losses: doubles(workers * LOSS_SUMS),
    times: doubles(workers * STAGES.length),
  }
}

/** Sets the weights to those of the base, with the last layers at a higher rate. */
export function startFromBase(state: SharedState, slots: readonly Slot[], headFactor: number): void {
  for (const { offset, length, initial, isHead } of slots) {
    state.weights.set(initial, offset)
    state.rates.fill(isHead ? headFactor : 1, offset, offset + length)
  }
  state.average.set(state.weights)
}
