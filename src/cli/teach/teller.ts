import type { TeachEvent } from '../../training/job.ts'
import { megabytes } from '../../training/memory.ts'
import { LivePage, type LiveState } from '../../training/report/live-page.ts'
import { progressLine } from '../kit/progress.ts'
import type { Io } from '../kit/verb.ts'
import type { TeachValues } from './options.ts'

/** Tells a person how a run goes: lines on the terminal, and a page where it is wanted. */
export class Teller {
  readonly #io: Io
  readonly #page: LivePage | undefined
  readonly #title: string
  #line: ReturnType<typeof progressLine> | undefined
  #state: LiveState | undefined

  private constructor(io: Io, title: string, page: LivePage | undefined) {
    this.#io = io
    this.#title = title
    this.#page = page
  }

  static async open(stem: string, labels: readonly string[], values: TeachValues, io: Io): Promise<Teller> {
    const page = values.page ? await LivePage.open(values.port ?? 0) : undefined
    const teller = new Teller(io, `Teaching ${stem}: ${labels.join(', ').slice(0, 80)}`, page)
    if (page !== undefined) {
      teller.say(`The run is shown at ${page.url}`)
    }
    return teller
  }

  say(line: string): void {
    this.#line?.clear()
    this.#io.stderr.write(`boxlet: ${line}\n`)
  }

  async hear(event: TeachEvent): Promise<void> {
    switch (event.kind) {
      case 'planned': {
        const { recipe, pictures, memory } = event
        this.say(
          `${pictures.length} pictures, ${recipe.steps} steps of ${recipe.batch} at ${recipe.size} × ${recipe.size}, ${recipe.workers} workers, at most about ${megabytes(memory)} of memory.`,
        )
        this.#line = progressLine(this.#io, recipe.steps, 'steps')
        break
      }
      case 'resumed':
        this.say(`Going on after step ${event.step}.`)
        break
      case 'nothing-stopped':
        this.say('There is no stopped run to go on with, so that this one starts anew.')
        break
      case 'progress':
        this.#line?.update(event.step - event.firstStep)
        this.#tell(event)
        break
      case 'round':
        this.#remember(event)
        break
      case 'validated': {
        const { step, ap, ap50 } = event.history.validations.at(-1)!
        const { losses } = event.history.rounds.at(-1)!
        this.say(
          `Step ${step} of ${event.steps}: AP50 ${ap50.toFixed(3)}, AP ${ap.toFixed(3)} on validation; losses: boxes ${losses.box.toFixed(3)}, classes ${losses.classes.toFixed(3)}, objectness ${losses.objectness.toFixed(0)}.`,
        )
        this.#remember(event)
        await this.#page?.draw(this.#state!)
        break
      }
      case 'stopped':
        this.say(
          event.because === 'asked'
            ? `Stopped after step ${event.step}. The same command with --resume goes on.`
            : `Ended after step ${event.step}: validation has not become better for a third of the run.`,
        )
        break
    }
  }

  /** @param words where the result is, or that there is none */
  async close(words: string): Promise<void> {
    this.#line?.clear()
    await this.#page?.close(words)
  }

  #remember(event: Extract<TeachEvent, { kind: 'round' | 'validated' }>): void {
    this.#state = {
      step: event.history.rounds.at(-1)?.step ?? 0,
      seconds: event.history.seconds,
      secondsLeft: undefined,
      evaluation: undefined,
      ...this.#state,
      title: this.#title,
      steps: event.steps,
      history: event.history,
      ...(event.kind === 'validated' ? { evaluation: event.evaluation } : {}),
    }
  }

  #tell({ step, steps, seconds, firstStep }: Extract<TeachEvent, { kind: 'progress' }>): void {
    const done = step - firstStep
    const secondsLeft = done > 0 ? (seconds * (steps - step)) / Math.max(1, step) : undefined
    const before = this.#state ?? {
      history: { rounds: [], validations: [], seconds: 0 },
      evaluation: undefined,
    }
    this.#state = { ...before, title: this.#title, step, steps, seconds, secondsLeft }
    this.#page?.tell(this.#state)
  }
}
