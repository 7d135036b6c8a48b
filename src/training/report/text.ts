import type { TaughtFacts } from './facts.ts'
import type { LearningCurve } from './learning-curve.ts'

/** The result as lines for a terminal. */
export function taughtText(facts: TaughtFacts): string {
  const { measured } = facts
  const lines = [...sharedLines(facts), lengthText(facts)]
  if (measured !== undefined) {
    const { stats } = measured.evaluation
    lines.push(
      `On the ${measured.part === 'test' ? 'test' : 'validation'} pictures: AP50 ${stats.ap50.toFixed(4)} (${intervalText(measured.interval.ap50)}), AP ${stats.ap.toFixed(4)} (${intervalText(measured.interval.ap)}).`,
    )
  }
  const more = moreText(facts.curve)
  return `${[...lines, ...(more === '' ? [] : [more]), costLine(facts), `Again: ${facts.command}`].join('\n')}\n`
}

export function sharedLines({ parts, duplicates, notes, base, labels }: TaughtFacts): string[] {
  return [
    `${labels.length} ${labels.length === 1 ? 'class' : 'classes'} from ${base.name}${base.licence === null ? '' : ` (${base.licence})`}. ${partsText(parts)}`,
    ...duplicates
      .slice(0, SHOWN_DUPLICATES)
      .map(
        ({ train, other, part }) => `Nearly the same picture in train and ${part}: ${train} and ${other}.`,
      ),
    ...notes,
  ]
}

/** How many pictures and objects each part has, and how it came about. */
export function partsText({ train, val, test, because }: TaughtFacts['parts']): string {
  const counted = (name: string, part: { pictures: number; objects: number } | null) =>
    part === null ? [] : [`${name} ${part.pictures} pictures, ${part.objects} objects`]
  return `${[...counted('Train', train), ...counted('validation', val), ...counted('test', test)].join('; ')} (${because}).`
}

const SHOWN_DUPLICATES = 10

export function lengthText({
  recipe,
  step,
  endedBy,
  seconds,
  picturesPerSecond,
  memory,
  weightsStep,
}: TaughtFacts): string {
  const end = {
    plan: 'to the end',
    asked: 'and was then asked to stop',
    'no-gain': 'and then ended by itself, since validation had not become better',
  }[endedBy]
  const taken =
    weightsStep === step ? '' : ` The weights are those after step ${weightsStep}, the best on validation.`
  return `It ran ${step} of ${recipe.steps} steps of ${recipe.batch} pictures at ${recipe.size} × ${recipe.size} ${end}: ${duration(seconds)}, ${picturesPerSecond.toFixed(1)} pictures a second with ${recipe.workers} ${recipe.workers === 1 ? 'worker' : 'workers'}, ${Math.round(memory / 1e6)} MB of memory.${taken}`
}

export function costLine({ seconds, prices }: TaughtFacts): string {
  const training = (prices.trainingHour * Math.max(1, Math.ceil(seconds / 3600))).toFixed(2)
  const month = Math.round(prices.inferenceHour * HOURS_A_MONTH)
  return `Cost: ${duration(seconds)} of this machine. Amazon Rekognition Custom Labels bills training at $${prices.trainingHour.toFixed(2)} an hour, at least about $${training} here, and $${prices.inferenceHour.toFixed(2)} for every hour that a model can be asked, $${month} a month (list prices, ${prices.asOf}).`
}

const HOURS_A_MONTH = 730

export const moreText = (curve: LearningCurve | undefined): string =>
  curve?.more === undefined
    ? ''
    : `${curve.more.pictures} more pictures would bring about +${curve.more.gain.toFixed(3)} AP50, judged by the last doubling.`

export const intervalText = ({ low, high }: { low: number; high: number }): string =>
  `95 %: ${low.toFixed(3)} to ${high.toFixed(3)}`

export function duration(seconds: number): string {
  if (seconds < 90) {
    return `${Math.round(seconds)} s`
  }
  return seconds < 5400 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`
}
