import { BoxletError, throwIfAborted } from '../errors.ts'
import { saveFile } from '../system/save-file.ts'
import { Course } from './course.ts'
import type { Taught, TeachJob } from './job.ts'
import { exportModel } from './model/export.ts'
import { roundOf } from './plan.ts'
import { type Prepared, prepare } from './prepare.ts'
import { fingerprintOf, removeCheckpoint } from './run/checkpoint.ts'
import {
  CONTROL,
  type SharedState,
  STAGES,
  type Stage,
  sharedState,
  startFromBase,
} from './run/shared-state.ts'
import { type RoundReport, supervise } from './run/supervisor.ts'
import { measureBytes, spread } from './validate.ts'
import { watchRun } from './watch.ts'

/** Looks at the validation pictures during a run. */
const VALIDATIONS = 8
/** Pictures looked at each time; the end looks at all. */
const MOST_VALIDATED = 200

/**
 * Runs a training job up to the weights that are to be written.
 *
 * @throws BoxletError TEACHING_FAILED, MODEL_UNSUPPORTED, ABORTED before the first step
 */
export async function teach(job: TeachJob): Promise<Taught> {
  const { labels, signal } = job
  const checkpoint = `${job.stem}.teach-state`
  const prepared = await prepare(job, checkpoint)
  const { base, recipe, pictures, network, graph, format, memory } = prepared
  const state = sharedState(graph.learned, recipe.workers, recipe.batch)
  startFromBase(state, graph.slots, recipe.headFactor)
  await job.onEvent({ kind: 'planned', recipe, pictures, format, memory })
  throwIfAborted(signal)

  const fingerprint = fingerprintOf({ recipe, labels, base: base.sha256 }, pictures)
  const course = new Course(checkpoint, fingerprint, recipe.steps, state)
  const firstStep = job.resume ? await goOn(job, course) : 0
  const before = course.history.seconds
  const watch = watchRun((seconds) => {
    course.history.seconds = before + seconds
    const step = Math.max(firstStep, Atomics.load(state.control, CONTROL.step))
    void job.onEvent({ kind: 'progress', step, steps: recipe.steps, seconds: before + seconds, firstStep })
  })
  const write: Taught['write'] = (weights, metadata) =>
    exportModel(base, network, graph.slots, weights, metadata)
  let step: number
  try {
    // A run that was over when its file could not be written has only that left to do.
    const isDone = firstStep >= recipe.steps || course.isOver
    step = isDone ? firstStep : await run(job, prepared, state, course, firstStep, write)
  } finally {
    watch.end()
  }
  const endedBy = step >= recipe.steps ? 'plan' : signal?.aborted ? 'asked' : 'no-gain'
  if (endedBy === 'asked') {
    await course.keep(step, true)
  } else {
    // Where there is no room for it, there may be room for the model, which is smaller.
    await course.keep(step, true).catch(() => {})
  }
  if (endedBy !== 'plan') {
    await job.onEvent({ kind: 'stopped', because: endedBy, step })
  }
  return {
    recipe,
    network,
    graph,
    history: course.history,
    step,
    endedBy,
    weights: course.best?.weights ?? Float32Array.from(state.average),
    weightsStep: course.best?.step ?? step,
    stages: stagesOf(state),
    pictures: (step - firstStep) * recipe.batch,
    seconds: watch.seconds(),
    memory: watch.memory(),
    write,
    forget: () => removeCheckpoint(checkpoint),
  }
}

/** @returns the step that comes first: 0 when there is no stopped run to go on with */
async function goOn(job: TeachJob, course: Course): Promise<number> {
  const step = await course.goOn()
  await job.onEvent(step === undefined ? { kind: 'nothing-stopped' } : { kind: 'resumed', step })
  return step ?? 0
}

/** Lets the workers go from round to round, and looks at the validation pictures in between. */
function run(
  job: TeachJob,
  { recipe, pictures, graph, format }: Prepared,
  state: SharedState,
  course: Course,
  firstStep: number,
  write: Taught['write'],
): Promise<number> {
  const { labels, val, signal } = job
  const shown = val === undefined ? undefined : spread(val, MOST_VALIDATED)
  const round = roundOf(recipe, pictures.length)
  const looks = Math.max(1, Math.round(recipe.steps / round / VALIDATIONS))
  const { bytes, learned, grid } = graph
  const setup = { graph: shared(bytes), learned, grid, recipe, format, pictures, state, round, firstStep }
  return supervise({
    setup,
    ...(signal === undefined ? {} : { signal }),
    async onRound(report) {
      requireFinite(report)
      const { history } = course
      const { steps, workers } = recipe
      history.rounds.push(report)
      await job.onEvent({ kind: 'round', history, steps })
      if (shown !== undefined && (report.step / round) % looks === 0) {
        const file = write(state.average, namesOf(labels))
        const evaluation = await measureBytes(file, `${job.stem}.part.onnx`, saveFile, shown, workers)
        const { ap, ap50 } = evaluation.stats
        course.validated({ step: report.step, ap, ap50 }, val!.images.length)
        await job.onEvent({ kind: 'validated', history, steps, evaluation })
      }
      await course.keep(report.step)
      return !course.isOver
    },
  })
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

/** What a file needs so that its classes are known. */
export const namesOf = (labels: readonly string[]): Map<string, string> =>
  new Map([['names', JSON.stringify({ ...labels })]])

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
