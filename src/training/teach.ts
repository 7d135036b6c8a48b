import type { Dataset } from '../datasets/dataset.ts'
import { BoxletError, throwIfAborted } from '../errors.ts'
import type { Evaluation } from '../evaluate/evaluation.ts'
import { saveFile } from '../system/save-file.ts'
import { randomStream } from './augment/random.ts'
import type { SampleFormat } from './augment/sample.ts'
import { classIndex } from './data/classes.ts'
import { readPictures, type TrainingPicture } from './data/pictures.ts'
import { passesIn } from './length.ts'
import { checkMemory, expectedMemory } from './memory.ts'
import { type BaseFile, openBase } from './model/base.ts'
import { classHead } from './model/class-head.ts'
import { exportModel } from './model/export.ts'
import { type Network, readNetwork } from './model/network.ts'
import { buildTrainingGraph, type TrainingGraph } from './model/training-graph.ts'
import { planRecipe, roundOf, type Settings } from './plan.ts'
import {
  fingerprintOf,
  loadCheckpoint,
  plannedSteps,
  removeCheckpoint,
  saveCheckpoint,
} from './run/checkpoint.ts'
import { CHOOSING_PICTURES, type History, hasStopped, newHistory, type Validation } from './run/history.ts'
import type { Recipe } from './run/recipe.ts'
import {
  CONTROL,
  type SharedState,
  STAGES,
  type Stage,
  sharedState,
  startFromBase,
} from './run/shared-state.ts'
import { type RoundReport, supervise } from './run/supervisor.ts'
import { measureBytes } from './validate.ts'

/** Stream of random numbers for new layers. */
const HEADS = 4
/** Looks at the validation pictures during a run. */
const VALIDATIONS = 8
/** Pictures looked at each time; the end looks at all. */
const MOST_VALIDATED = 200
/** Seconds between two checkpoints. */
const CHECKPOINT_SECONDS = 30

export interface TeachJob {
  base: BaseFile
  labels: readonly string[]
  train: Dataset
  val: Dataset | undefined
  settings: Settings
  /** Where temporary files lie, beside the result: its path without the ending. */
  stem: string
  /** Goes on with a stopped run. */
  resume: boolean
  signal?: AbortSignal
  onEvent(event: TeachEvent): void | Promise<void>
}

/** What can be shown while a run goes on. */
export type TeachEvent =
  | {
      kind: 'planned'
      recipe: Recipe
      pictures: readonly TrainingPicture[]
      format: SampleFormat
      memory: number
    }
  | { kind: 'resumed'; step: number }
  | { kind: 'progress'; step: number; steps: number; seconds: number; firstStep: number }
  | { kind: 'round'; history: History; steps: number }
  | { kind: 'validated'; history: History; steps: number; evaluation: Evaluation }
  | { kind: 'stopped'; because: 'asked' | 'no-gain'; step: number }

/** A run that came to an end, whole or early. */
export interface Taught {
  recipe: Recipe
  network: Network
  graph: TrainingGraph
  history: History
  /** Steps done. */
  step: number
  endedBy: 'plan' | 'asked' | 'no-gain'
  /** The weights to write, and after how many steps they were taken. */
  weights: Float32Array
  weightsStep: number
  /** Seconds of each stage, over all workers. */
  stages: Record<Stage, number>
  pictures: number
  /** Seconds of this session, without those before a resumption. */
  seconds: number
  /** Largest resident memory seen, bytes. */
  memory: number
  /** Writes these weights, or others, as a model file. */
  write(weights: Float32Array, metadata: ReadonlyMap<string, string>): Uint8Array
}

/** Runs a training job up to the weights that are to be written. */
export async function teach(job: TeachJob): Promise<Taught> {
  const { labels, train, val, settings, signal } = job
  const base = openBase(job.base)
  let recipe = planRecipe(settings, train.images.length, base.size)
  const pictures = await readPictures(train, recipe.size, classIndex(train, labels), signal)
  throwIfAborted(signal)
  const head = classHead(base, labels, randomStream(recipe.seed, HEADS))
  const network = readNetwork(base, recipe.size, labels.length, head)
  const graph = buildTrainingGraph(network, recipe.frozen)
  const { input } = base.contract
  const format: SampleFormat = {
    size: recipe.size,
    channels: { order: input.colour === 'RGB' ? 'RGB' : 'BGR', mean: input.mean, std: input.std },
    grey: input.geometry.pad,
  }
  const memory = expectedMemory(network, graph.learned, recipe.workers, pictures)
  checkMemory(memory, recipe.workers)
  if (settings.minutes !== undefined) {
    const planned = job.resume ? await plannedSteps(checkpointPath(job.stem)) : undefined
    const passes =
      planned === undefined
        ? await passesIn(settings.minutes, graph, recipe, pictures, format)
        : planned * recipe.batch
    recipe = planRecipe({ ...settings, epochs: passes / pictures.length }, pictures.length, base.size)
  }
  const state = sharedState(graph.learned, recipe.workers, recipe.batch)
  startFromBase(state, graph.slots, recipe.headFactor)
  await job.onEvent({ kind: 'planned', recipe, pictures, format, memory })
  throwIfAborted(signal)

  const run = new Run(job, recipe, state, fingerprintOf({ recipe, labels, base: base.sha256 }, pictures))
  const firstStep = job.resume ? await run.goOn() : 0
  const write = (weights: Float32Array, metadata: ReadonlyMap<string, string>) =>
    exportModel(base, network, graph.slots, weights, metadata)
  const shownVal = val === undefined ? undefined : fewer(val, MOST_VALIDATED)
  const round = roundOf(recipe, pictures.length)
  const looks = Math.max(1, Math.round(recipe.steps / round / VALIDATIONS))
  const watch = run.watch(firstStep)
  let step: number
  try {
    step = await supervise({
      setup: {
        graph: shared(graph.bytes),
        learned: graph.learned,
        grid: graph.grid,
        recipe,
        format,
        pictures,
        state,
        round,
        firstStep,
      },
      ...(signal === undefined ? {} : { signal }),
      async onRound(report) {
        requireFinite(report)
        run.history.rounds.push(report)
        await job.onEvent({ kind: 'round', history: run.history, steps: recipe.steps })
        if (shownVal !== undefined && (report.step / round) % looks === 0) {
          const bytes = write(state.average, namesOf(labels))
          const evaluation = await measureBytes(
            bytes,
            `${job.stem}.part.onnx`,
            saveFile,
            shownVal,
            recipe.workers,
          )
          const { ap, ap50 } = evaluation.stats
          run.validated({ step: report.step, ap, ap50 }, val!.images.length)
          await job.onEvent({ kind: 'validated', history: run.history, steps: recipe.steps, evaluation })
        }
        await run.keep(report.step)
        return !run.isOver
      },
    })
  } finally {
    watch.end()
  }
  const endedBy = step >= recipe.steps ? 'plan' : signal?.aborted ? 'asked' : 'no-gain'
  if (endedBy === 'asked') {
    await run.keep(step, true)
  }
  if (endedBy !== 'asked') {
    await removeCheckpoint(checkpointPath(job.stem))
  }
  if (endedBy !== 'plan') {
    await job.onEvent({ kind: 'stopped', because: endedBy, step })
  }
  run.history.seconds = watch.seconds()
  const best = run.best
  return {
    recipe,
    network,
    graph,
    history: run.history,
    step,
    endedBy,
    weights: best?.weights ?? Float32Array.from(state.average),
    weightsStep: best?.step ?? step,
    stages: stagesOf(state),
    pictures: (step - firstStep) * recipe.batch,
    seconds: watch.session(),
    memory: watch.memory(),
    write,
  }
}

/** What a run remembers beside its weights. */
class Run {
  history = newHistory()
  isOver = false
  /** Of a validation set that is large enough to choose. */
  best: { step: number; ap: number; weights: Float32Array } | undefined
  readonly #job: TeachJob
  readonly #recipe: Recipe
  readonly #state: SharedState
  readonly #fingerprint: string
  readonly #path: string
  #kept = performance.now()
  #before = 0

  constructor(job: TeachJob, recipe: Recipe, state: SharedState, fingerprint: string) {
    this.#job = job
    this.#recipe = recipe
    this.#state = state
    this.#fingerprint = fingerprint
    this.#path = checkpointPath(job.stem)
  }

  /** Puts everything back to where the stopped run was; 0 when there is none. */
  async goOn(): Promise<number> {
    const found = await loadCheckpoint(this.#path, this.#fingerprint, this.#state)
    if (found === undefined) {
      return 0
    }
    this.history = found.history as History
    this.#before = this.history.seconds
    await this.#job.onEvent({ kind: 'resumed', step: found.step })
    return found.step
  }

  validated(validation: Validation, pictures: number): void {
    this.history.validations.push(validation)
    if (pictures >= CHOOSING_PICTURES && validation.ap > (this.best?.ap ?? 0)) {
      this.best = { ...validation, weights: Float32Array.from(this.#state.average) }
    }
    this.isOver = hasStopped(this.history, this.#recipe.steps)
  }

  /** Writes a checkpoint, now and then or at once. Workers must stand still. */
  async keep(step: number, now = false): Promise<void> {
    if (!now && performance.now() - this.#kept < 1000 * CHECKPOINT_SECONDS) {
      return
    }
    this.#kept = performance.now()
    const matched = this.#state.matched.at(-1)!
    await saveCheckpoint(
      this.#path,
      { fingerprint: this.#fingerprint, step, steps: this.#recipe.steps, matched, history: this.history },
      this.#state,
    )
  }

  /** Reports how far the workers are, and looks at the memory. */
  watch(firstStep: number) {
    const started = performance.now()
    const seconds = () => this.#before + (performance.now() - started) / 1000
    let memory = process.memoryUsage.rss()
    const look = () => {
      memory = Math.max(memory, process.memoryUsage.rss())
      this.history.seconds = seconds()
      const step = Math.max(firstStep, Atomics.load(this.#state.control, CONTROL.step))
      void this.#job.onEvent({
        kind: 'progress',
        step,
        steps: this.#recipe.steps,
        seconds: seconds(),
        firstStep,
      })
    }
    const timer = setInterval(look, WATCH_MS)
    return {
      seconds,
      session: () => (performance.now() - started) / 1000,
      memory: () => memory,
      end() {
        look()
        clearInterval(timer)
      },
    }
  }
}

/** A run whose loss is no number will not come back. */
function requireFinite({ step, losses }: RoundReport): void {
  if (!Object.values(losses).every(Number.isFinite)) {
    throw new BoxletError(
      'TEACHING_FAILED',
      `Expected a loss that is a number but after ${step} steps it is none.`,
      { hint: 'Take a lower --rate.' },
    )
  }
}

const WATCH_MS = 250

const checkpointPath = (stem: string): string => `${stem}.teach-state`

/** What a file needs so that its classes are known. */
export const namesOf = (labels: readonly string[]): Map<string, string> =>
  new Map([['names', JSON.stringify({ ...labels })]])

/** The first pictures, spread over the set. */
function fewer(dataset: Dataset, most: number): Dataset {
  const every = Math.ceil(dataset.images.length / most)
  if (every <= 1) {
    return dataset
  }
  const images = dataset.images.filter((_, at) => at % every === 0)
  const ids = new Set(images.map(({ id }) => id))
  return { ...dataset, images, annotations: dataset.annotations.filter(({ imageId }) => ids.has(imageId)) }
}

function shared(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length))
  copy.set(bytes)
  return copy
}

function stagesOf({ times }: SharedState): Record<Stage, number> {
  const sums = Object.fromEntries(STAGES.map((stage) => [stage, 0])) as Record<Stage, number>
  times.forEach((time, at) => {
    sums[STAGES[at % STAGES.length]!] += time / 1000
  })
  return sums
}
