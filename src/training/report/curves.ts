import { BLUE, draw, GREEN, lines, ORANGE, type Row } from '../../evaluate/report/plot-forms.ts'
import type { History } from '../run/history.ts'

/** Losses are drawn as shares of the first round, so that three of different size share one picture. */
export function lossCurve({ rounds }: History, steps: number): Promise<string> {
  const first = rounds[0]?.losses
  const parts = [
    ['boxes', 'box'],
    ['objectness', 'objectness'],
    ['classes', 'classes'],
  ] as const
  const values = rounds.flatMap(({ step, losses }) =>
    parts.map(
      ([line, key]): Row => ({ line, x: step / steps, y: Math.min(1, losses[key] / (first?.[key] || 1)) }),
    ),
  )
  return draw(
    lines(
      values,
      'share of the run',
      'loss, first round = 1',
      [BLUE, ORANGE, GREEN],
      parts.map(([line]) => line),
    ),
  )
}

/** AP of the averaged weights on the validation pictures. */
export function validationCurve({ validations }: History, steps: number): Promise<string> {
  const values = validations.flatMap(({ step, ap, ap50 }): Row[] => [
    { line: 'AP50', x: step / steps, y: Math.max(0, ap50) },
    { line: 'AP', x: step / steps, y: Math.max(0, ap) },
  ])
  return draw(lines(values, 'share of the run', 'on validation pictures', [BLUE, ORANGE], ['AP50', 'AP']))
}
