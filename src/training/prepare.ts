import { throwIfAborted } from '../errors.ts'
import { randomStream } from './augment/random.ts'
import type { SampleFormat } from './augment/sample.ts'
import { classIndex } from './data/classes.ts'
import { readPictures, type TrainingPicture } from './data/pictures.ts'
import { inputSizeFor } from './input-size.ts'
import type { TeachJob } from './job.ts'
import { passesIn } from './length.ts'
import { checkMemory, expectedMemory } from './memory.ts'
import { type Base, openBase } from './model/base.ts'
import { classHead } from './model/class-head.ts'
import { TRAINING_KEY } from './model/export.ts'
import { type Network, readNetwork } from './model/network.ts'
import { buildTrainingGraph, type TrainingGraph } from './model/training-graph.ts'
import { planRecipe } from './plan.ts'
import { plannedSteps } from './run/checkpoint.ts'
import type { Recipe } from './run/recipe.ts'

/** Stream of random numbers for new layers. */
const HEADS = 4

/** All that a run needs before its first step. */
export interface Prepared {
  base: Base
  recipe: Recipe
  pictures: TrainingPicture[]
  network: Network
  graph: TrainingGraph
  format: SampleFormat
  /** Bytes that it will take at most. */
  memory: number
}

/**
 * Decodes the pictures, builds the training graph, and plans the run.
 *
 * @throws BoxletError TEACHING_FAILED when it would not fit into memory; MODEL_UNSUPPORTED
 */
export async function prepare(job: TeachJob, checkpoint: string): Promise<Prepared> {
  const { labels, train, settings, signal } = job
  const base = openBase(job.base)
  // A taught file was given its size when it was taught; it would grow each time.
  const inputSize = base.model.metadata.has(TRAINING_KEY) ? base.size : inputSizeFor(train, base.size)
  const recipe = planRecipe(settings, train.images.length, inputSize)
  const pictures = await readPictures(train, recipe.size, classIndex(train, labels), signal)
  throwIfAborted(signal)
  const head = classHead(base, labels, randomStream(recipe.seed, HEADS))
  const network = readNetwork(base, recipe.size, labels.length, head)
  const graph = buildTrainingGraph(network, recipe.frozen)
  const format = formatOf(base, recipe.size)
  const memory = expectedMemory(network, graph.learned, recipe.workers, pictures)
  checkMemory(memory, recipe.workers)
  const prepared = { base, recipe, pictures, network, graph, format, memory }
  return settings.minutes === undefined
    ? prepared
    : { ...prepared, recipe: await withinMinutes(settings.minutes, job, prepared, checkpoint) }
}

function formatOf({ contract: { input } }: Base, size: number): SampleFormat {
  return {
    size,
    channels: { order: input.colour === 'RGB' ? 'RGB' : 'BGR', mean: input.mean, std: input.std },
    grey: input.geometry.pad,
  }
}

/** The recipe of as many steps as the minutes hold; a run that goes on keeps what was planned for it. */
async function withinMinutes(
  minutes: number,
  { settings, resume }: TeachJob,
  { graph, recipe, pictures, format }: Prepared,
  checkpoint: string,
): Promise<Recipe> {
  const planned = resume ? await plannedSteps(checkpoint) : undefined
  const passes =
    planned === undefined ? await passesIn(minutes, graph, recipe, pictures, format) : planned * recipe.batch
  return planRecipe({ ...settings, epochs: passes / pictures.length }, pictures.length, recipe.size)
}
