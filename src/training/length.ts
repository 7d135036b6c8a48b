import type { SampleFormat } from './augment/sample.ts'
import type { TrainingPicture } from './data/pictures.ts'
import type { TrainingGraph } from './model/training-graph.ts'
import { Order } from './run/order.ts'
import type { Recipe } from './run/recipe.ts'
import { show } from './run/show.ts'
import { StepRunner } from './run/step-runner.ts'

/** Pictures run to warm up, and to be timed. */
const WARM = 2
const TIMED = 4
/** Share of its own speed that a worker keeps beside others. */
const TOGETHER = 0.85
/** Share of the time that validation and the last figures leave to training. */
const TRAINING = 0.9

/** How many pictures can be shown in so many minutes, by running a few. */
export async function passesIn(
  minutes: number,
  graph: TrainingGraph,
  recipe: Recipe,
  pictures: readonly TrainingPicture[],
  format: SampleFormat,
): Promise<number> {
  const runner = await StepRunner.open(graph.bytes, recipe.size, graph.learned, graph.grid)
  try {
    for (const { offset, initial } of graph.slots) {
      runner.weights.set(initial, offset)
    }
    const order = new Order(recipe.seed, pictures.length)
    let started = 0
    for (let pass = 0; pass < WARM + TIMED; pass++) {
      if (pass === WARM) {
        started = performance.now()
      }
      await runner.run(await show(runner.image, pass, order, recipe, pictures, format))
    }
    const seconds = (performance.now() - started) / 1000 / TIMED
    return Math.max(recipe.batch, Math.floor((60 * minutes * TRAINING * TOGETHER * recipe.workers) / seconds))
  } finally {
    await runner.release()
  }
}
